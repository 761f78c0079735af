/** The counters of an application (counters.ts) as families: those that the library knows by name, the others under `counter`. */

import { counted } from '../counters.ts';

interface CounterFamily {
  readonly name: string;
  readonly help: string;
  readonly values: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

const known: Readonly<Record<string, readonly [name: string, help: string]>> = {
  [counted.in]: ['records_in_total', 'Records taken from source topics'],
  [counted.out]: ['records_out_total', 'Records for sinks, without dead letters'],
  [counted.late]: ['late_records_total', 'Records dropped because their window had closed'],
  [counted.skipped]: ['skipped_records_total', 'Records that failed and were skipped'],
  [counted.restored]: ['restore_total', 'Records of changelogs that were restored'],
  [counted.discarded]: ['restore_discarded_total', 'Records of changelogs that did not count any more'],
  [counted.copied]: ['standby_update_total', 'Records of changelogs that were taken over into copies'],
  [counted.polls]: ['poll_total', 'Batches taken from the log'],
  [counted.polled]: ['poll_records_total', 'Records taken from the log'],
  [counted.rebalances]: ['rebalance_total', 'Assignments of partitions'],
};

/** Counters that differ in their last part, which becomes a label. */
const labelled = [
  [counted.dropped(''), 'dropped_records_total', 'reason', 'Records that went nowhere on purpose, by reason'],
  [
    counted.deadLettersOf(''),
    'dead_letters_total',
    'code',
    'Records put aside as dead letters, by code of the error',
  ],
] as const;

export function counterFamilies(counters: Readonly<Record<string, number>>): readonly CounterFamily[] {
  const families = new Map<string, CounterFamily>();
  const add = (name: string, help: string, labels: Readonly<Record<string, string>>, value: number) => {
    const { values = [] } = families.get(name) ?? {};
    families.set(name, { name, help, values: [...values, { labels, value }] });
  };
  // A rate needs its zero: what may never happen is there from the start.
  for (const [key, [name, help]] of Object.entries(known)) add(name, help, {}, counters[key] ?? 0);
  for (const [key, value] of Object.entries(counters)) {
    // The sum over the codes.
    if (Object.hasOwn(known, key) || key === counted.deadLetters) continue;
    const found = labelled.find(([prefix]) => key.startsWith(prefix));
    if (found) add(found[1], found[3], { [found[2]]: key.slice(found[0].length) }, value);
    else add('counter_total', 'What the steps of the topology count, by name', { name: key }, value);
  }
  return [...families.values()];
}
