import type { Streams } from '../runtime/streams.ts';

/** What a server needs of a running application. */
export type QuerySource = Pick<
  Streams,
  | 'applicationId'
  | 'topology'
  | 'state'
  | 'store'
  | 'roleOf'
  | 'partitionsOf'
  | 'group'
  | 'lag'
  | 'metrics'
  | 'advertise'
>;
