export { bootGuest, type ExecOptions, type ExecResult, type Guest, type GuestOptions } from './guest.ts';
export type { GuestProcess } from './job.ts';
export { debianMirror, type KernelSeries } from './kernel.ts';
export { type GuestRun, runInGuest } from './run.ts';
export { runTool } from './tool.ts';
