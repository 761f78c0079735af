export { type Gate, type VerifySettings, type VerifySettingsInput, verifySettings } from './settings.ts';
export { type VerifyTopologyOptions, verifyTopology } from './topology.ts';
