export { type HostPaths, hostPaths } from './host.ts';
