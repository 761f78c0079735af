/** What an input is, by its content. */

import { SluiceError } from '#errors';
import { avroMagic, readAvroHeader } from './avro-container.ts';
import { captureReader } from './capture-reader.ts';
import { hubbleReader } from './hubble.ts';
import { JsonObjects } from './json-objects.ts';
import { kubeArmorReader } from './kubearmor.ts';
import type { FormatReader, ReaderOptions } from './outcome.ts';
import { sysFlowReader } from './sysflow.ts';

export const formatNames = ['hubble', 'kubearmor', 'sysflow', 'sluice'] as const;
export type FormatName = (typeof formatNames)[number];

/** How much of an input is looked at. */
export const detectBytes = 256 * 1024;

/**
 * The format of an input that begins with these bytes; undefined: there is nothing in it.
 * Errors: CONFIG_INVALID when it cannot be told, naming the input and `--format`.
 */
export function detectFormat(start: Buffer, input: string): FormatName | undefined {
  if (start.subarray(0, avroMagic.length).equals(avroMagic)) return ofContainer(start, input);
  if (start.toString('latin1').trim() === '') return undefined;
  const objects = new JsonObjects();
  const told = new Set<FormatName>();
  for (const found of [...objects.push(start)])
    if ('object' in found) for (const format of ofObject(found.object)) told.add(format);
  const [format] = told;
  if (format !== undefined && told.size === 1) return format;
  const what =
    format === undefined ? 'is in no format that is known' : `looks like ${[...told].join(' and ')}`;
  throw new SluiceError(
    'CONFIG_INVALID',
    `${input} ${what}: say which with --format ${formatNames.join('|')}`,
  );
}

function ofContainer(start: Buffer, input: string): FormatName {
  const header = readAvroHeader(start);
  if (header === undefined)
    throw new SluiceError('INPUT_INVALID', `${input}: the header of the container is damaged, copy it again`);
  const { name } = JSON.parse(header.schema || '{}') as { name?: string };
  if (name === 'SysFlow') return 'sysflow';
  if (name === 'CapturedRecord') return 'sluice';
  throw new SluiceError(
    'CONFIG_INVALID',
    `${input} holds records ${name ?? 'without a name'}, which are neither SysFlow nor a capture of ours`,
  );
}

function ofObject(object: Readonly<Record<string, unknown>>): FormatName[] {
  const keys = new Set(Object.keys(object).map(key => key.toLowerCase().replace(/_/g, '')));
  const hubble =
    ['flow', 'lostevents', 'nodestatus', 'agentevent', 'debugevent'].some(key => keys.has(key)) ||
    (keys.has('verdict') && (keys.has('ip') || keys.has('l4')));
  const kubeArmor =
    keys.has('operation') && (keys.has('resource') || keys.has('data') || keys.has('hostname'));
  return [...(hubble ? (['hubble'] as const) : []), ...(kubeArmor ? (['kubearmor'] as const) : [])];
}

const readers: Readonly<Record<FormatName, (options: ReaderOptions) => FormatReader>> = {
  hubble: hubbleReader,
  kubearmor: kubeArmorReader,
  sysflow: sysFlowReader,
  sluice: captureReader,
};

export function formatReader(format: FormatName, options: ReaderOptions): FormatReader {
  return readers[format](options);
}
