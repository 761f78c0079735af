export { type HostPaths, hostPaths } from './host.ts';
export { type ConfigSources, readConfig, variableOf } from './read-config.ts';
