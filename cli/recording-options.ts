/** The options that say which recording is read. */

import process from 'node:process';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { SluiceError } from '#errors';
import { type FormatName, formatNames } from '#formats';
import type { InputAccount, OffsetRange } from '#recordings';
import type { RecordTopicName } from '#schemas';
import { type RecordingRequest, reportedTopics } from '../pipelines/enrich/index.ts';
import { addBrokerOptions, type BrokerOptions } from './broker-options.ts';

export interface RecordingFlags extends BrokerOptions {
  readonly from: readonly string[];
  readonly format: FormatName | 'auto';
  readonly objects?: readonly string[];
  readonly cluster: string;
  readonly since?: number;
  readonly until?: number;
  readonly offsets?: readonly OffsetRange[];
}

/** Topics that can be read from: events, and what was denied or audited. */
const readable: readonly RecordTopicName[] = reportedTopics;

/** `from`: what is read when nothing is named; absent: something must be. */
export function addRecordingOptions(command: Command, from?: readonly string[]): Command {
  const what =
    'what was recorded: files, directories, - for standard input (gzip is unpacked); topic for all topics of events and alerts of the tenant, topic:NAME for one';
  const option = new Option('--from <paths...>', what);
  command
    .addOption(from ? option.default(from, from.join(', ')) : option.makeOptionMandatory())
    .addOption(
      new Option('--format <format>', 'what the files are')
        .choices(['auto', ...formatNames])
        .default('auto', 'told by their content'),
    )
    .option(
      '--objects <paths...>',
      'Kubernetes objects (YAML or JSON): whose events they are, whom they talk to',
    )
    .option('--cluster <name>', 'cluster of events that name none', 'default')
    .option(
      '--since <time>',
      'events from then on: 2026-01-31T08:00:00Z, or how long ago: 90m, 6h, 7d',
      parseTime,
    )
    .option('--until <time>', 'events before then', parseTime)
    .option(
      '--offsets <ranges...>',
      'of topics, these alone: events.file.v1/0@100..200; either end may be left out',
      parseOffsets,
    );
  return addBrokerOptions(command);
}

/** Errors: INPUT_INVALID for a topic that cannot be read. */
export function recordingRequest({
  from,
  format,
  objects,
  cluster,
  since,
  until,
  offsets,
}: RecordingFlags): RecordingRequest {
  const isTopic = (each: string) => each === 'topic' || each.startsWith('topic:');
  const topics = from
    .filter(isTopic)
    .flatMap(each =>
      each === 'topic' ? readable : each.slice('topic:'.length).split(',').map(readableTopic),
    );
  return {
    paths: from.filter(each => !isTopic(each)),
    topics: [...new Set(topics)],
    ...{ objects, cluster, offsets, sinceUs: since, untilUs: until },
    ...(format !== 'auto' && { format }),
  };
}

/** A number of records, every second at most. */
export function progressLines(say: (line: string) => void) {
  let saidMs = performance.now();
  return ({ records, total }: { readonly records: number; readonly total: number | undefined }) => {
    if (performance.now() - saidMs < 1000) return;
    saidMs = performance.now();
    say(`${records}${total === undefined ? '' : ` of ${total}`} records read`);
  };
}

export function sayAccount(
  { name, format, records, used, skipped, lost, bad, firstBad }: InputAccount,
  say: (line: string) => void = line => process.stderr.write(`${line}\n`),
): void {
  const parts = [`${records} records`, `${used} used`];
  for (const [reason, count] of skipped) parts.push(`${count} skipped: ${reason}`);
  if (bad > 0) parts.push(`${bad} bad`);
  if (lost > 0) parts.push(`${lost} events lost before they were recorded`);
  say(`${name} (${format ?? 'empty'}): ${parts.join(', ')}`);
  for (const each of firstBad) say(`  ${each}`);
  if (bad > firstBad.length) say(`  and ${bad - firstBad.length} more`);
}

function readableTopic(name: string): RecordTopicName {
  const known = readable.find(each => each === name);
  if (known) return known;
  throw new SluiceError(
    'INPUT_INVALID',
    `topic:${name} cannot be read from; these can: ${readable.join(', ')}`,
  );
}

const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Microseconds since the epoch. */
function parseTime(text: string): number {
  const ago = /^(\d+)([smhd])$/.exec(text);
  const ms = ago ? Date.now() - Number(ago[1]) * unitMs[ago[2] as keyof typeof unitMs] : Date.parse(text);
  if (Number.isNaN(ms))
    throw new InvalidArgumentError(`${text} is no time: write 2026-01-31T08:00:00Z, or 90m, 6h, 7d.`);
  return Math.round(ms * 1000);
}

function parseOffsets(text: string, before: readonly OffsetRange[] | undefined): OffsetRange[] {
  const [, name = '', partition, from, to] = /^(.+)\/(\d+)@(\d*)\.\.(\d*)$/.exec(text) ?? [];
  const topic = readable.find(each => each === name);
  if (topic === undefined || partition === undefined)
    throw new InvalidArgumentError(`${text}: write TOPIC/PARTITION@FROM..TO, as events.file.v1/0@100..200.`);
  const range: OffsetRange = {
    ...{ name: topic, partition: Number(partition) },
    ...(from && { from: Number(from) }),
    ...(to && { to: Number(to) }),
  };
  return [...(before ?? []), range];
}
