/** For property tests: the same input through a topology in any checkpoints, with any crashes in them. */

import fc from 'fast-check';
import {
  type AutoCommit,
  type CrashPoint,
  crashPoints,
  type InputRecord,
  type TestDriver,
  type Topology,
  testDriver,
} from '../index.ts';

/** Written together, then processed. */
export interface Batch {
  readonly records: readonly Step[];
  readonly autoCommit: AutoCommit;
  /** One after the other, while it recovers. */
  readonly crashes: readonly {
    readonly point: CrashPoint;
    readonly survivors: readonly boolean[];
  }[];
}

export interface Step extends InputRecord<string, string> {
  readonly topic: string;
  readonly timestampMs: number;
}

/** Batches of those steps: how they are cut, committed and interrupted. */
export function batchesOf(
  steps: fc.Arbitrary<readonly Step[]>,
  points: readonly CrashPoint[] = crashPoints,
): fc.Arbitrary<readonly Batch[]> {
  const crash = fc.record({
    point: fc.constantFrom(...points),
    survivors: fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }),
  });
  return fc.array(
    fc.record({
      records: steps,
      autoCommit: fc.constantFrom<AutoCommit>(false, true, 1, 2),
      crashes: fc.array(crash, { maxLength: 2 }),
    }),
    { minLength: 1, maxLength: 6 },
  );
}

/** Runs them; the state is then that of all records, as if nothing had happened. */
export function runBatches(topology: Topology, batches: readonly Batch[], partitions = 1): TestDriver {
  const driver = testDriver(topology, { partitions });
  for (const { records, autoCommit, crashes } of batches) {
    const left = [...crashes];
    const arm = () => {
      const crash = left.pop();
      if (crash) driver.crashAt(crash.point, (_, index) => crash.survivors[index % crash.survivors.length]!);
    };
    driver.autoCommit = autoCommit;
    arm();
    for (const { topic, ...record } of records) driver.append(topic, record);
    driver.run();
    if (!driver.crashed) driver.commit();
    while (driver.crashed) {
      driver.recover({ beforeInput: arm });
      if (!driver.crashed) driver.commit();
    }
  }
  driver.autoCommit = true;
  return driver;
}

/** The same without crashes, a checkpoint each. */
export function smoothly(batches: readonly Batch[]): readonly Batch[] {
  return batches.map(batch => ({ ...batch, autoCommit: true, crashes: [] }));
}
