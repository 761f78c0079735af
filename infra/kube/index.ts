export { type ApiServer, startApiServer } from './api-server.ts';
export { ciliumDefinitions, type Definitions, kubeArmorDefinitions } from './definitions.ts';
export { type KubeAccess, type KubeAnswer, KubeClient, type KubeObject } from './kube-client.ts';
export { type KubePrograms, kubePrograms } from './programs.ts';
