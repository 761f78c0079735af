export { type CcompatOptions, type CcompatRegistry, ccompatRegistry } from './ccompat-registry.ts';
export { type RegisteredSubject, registerAll } from './register-all.ts';
