export type { GuestListener } from './broker.ts';
export type { StackPorts } from './plan.ts';
export type { Stack } from './stack.ts';
export { type StackOptions, startStack } from './start-stack.ts';
