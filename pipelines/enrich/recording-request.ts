/** A recording as commands and jobs name it, and as it is captured: both fit for JSON. */

import type { FormatName } from '#formats';
import type { LogClient } from '#kafka';
import { captureSpans, type OffsetRange, type Span } from '#recordings';
import type { RecordTopicName, Serdes } from '#schemas';
import type { RecordingOptions } from './read-recording.ts';
import { reportedTopics } from './topology.ts';

export interface RecordingRequest {
  /** Files, directories, `-`. */
  readonly paths: readonly string[];
  /** Topics of events and alerts; with any of them entities.v1 is read too. */
  readonly topics: readonly RecordTopicName[];
  readonly format?: FormatName | undefined;
  readonly objects?: readonly string[] | undefined;
  readonly cluster?: string | undefined;
  readonly sinceUs?: number | undefined;
  readonly untilUs?: number | undefined;
  /** Of topics named here these partitions alone. */
  readonly offsets?: readonly OffsetRange[] | undefined;
}

/** Whatever a recording may be read from. */
export const readTopics = [...reportedTopics, 'entities.v1'] as const satisfies readonly RecordTopicName[];

/** With its ends fixed: reading it now and later gives the same. */
export interface CapturedRecording {
  readonly request: RecordingRequest;
  readonly events: readonly Span[];
  readonly entities: readonly Span[];
}

export interface RecordingBroker {
  readonly client: LogClient;
  readonly serdes: Serdes;
  readonly tenant: string;
}

/** Without topics no broker is asked for. Errors: as `captureSpans`. */
export async function captureRecording(
  request: RecordingRequest,
  broker: RecordingBroker | undefined,
): Promise<CapturedRecording> {
  const { topics: names, sinceUs, offsets = [] } = request;
  if (!broker || names.length === 0) return { request, events: [], entities: [] };
  const { client, tenant } = broker;
  // What happened then was recorded then or later.
  const sinceMs = sinceUs === undefined ? undefined : Math.floor(sinceUs / 1000);
  const entities = await captureSpans(client, { tenant, names: ['entities.v1'] });
  return { request, events: await captureSpans(client, { tenant, names, sinceMs, offsets }), entities };
}

/** How it is read. */
export function recordingOptions(
  { request, events, entities }: CapturedRecording,
  broker: RecordingBroker | undefined,
): RecordingOptions {
  const { paths: from, format, objects, cluster, sinceUs, untilUs } = request;
  return {
    ...{ from, sinceUs, untilUs },
    ...(broker && { topics: { client: broker.client, serdes: broker.serdes, entities, events } }),
    ...(format && { format }),
    ...(objects && { objects }),
    ...(cluster !== undefined && { cluster }),
  };
}
