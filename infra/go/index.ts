export { goModule } from './go-module.ts';
export { type GoSource, goProgram } from './go-program.ts';
