export type { AttackName, AttackResult } from './attack.ts';
export { type ContainerName, Containers } from './containers.ts';
export { type ClusterView, entityChanges, gateway, listener, namespace, type Pod, pods } from './pods.ts';
