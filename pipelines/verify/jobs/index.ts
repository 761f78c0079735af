export { JobQueue, type JobState, type JobStatus } from './job-queue.ts';
export { JobWorker, type WorkerOptions } from './job-worker.ts';
export type { JobRequest, JobResult, ReplayRequest, SimulateRequest } from './request.ts';
