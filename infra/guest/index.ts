export { bootGuest, type ExecOptions, type ExecResult, type Guest, type GuestOptions } from './guest.ts';
export type { GuestProcess } from './job.ts';
export type { KernelSeries } from './kernel.ts';
export { debianMirror, privateApt } from './private-apt.ts';
export { type GuestRun, runInGuest } from './run.ts';
export { runTool } from './tool.ts';
