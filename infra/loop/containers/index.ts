export type { AttackName, AttackResult } from './attack.ts';
export { type ContainerName, Containers } from './containers.ts';
export { type ClusterView, entityChanges } from './entities.ts';
export { gateway, listener, namespace, type Pod, pods } from './pods.ts';
