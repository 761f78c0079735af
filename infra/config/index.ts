export { type HostPaths, hostEnvironment, hostPaths } from './host.ts';
export { type ConfigSources, readConfig, variableOf } from './read-config.ts';
