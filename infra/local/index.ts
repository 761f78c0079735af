export type { GuestListener } from './broker.ts';
export type { StackPorts } from './plan.ts';
export { freePorts } from './ports.ts';
export { countTopics, type Provisioned, provisionTenant } from './provision.ts';
export type { ServiceName } from './service.ts';
export type { Stack } from './stack.ts';
export { type ServiceStatus, type StackStatus, stackStatus } from './stack-status.ts';
export { type StackOptions, startStack } from './start-stack.ts';
export { type StopOptions, stopStack } from './stop-stack.ts';
