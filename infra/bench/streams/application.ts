/** A fresh application for one run: its name, its topics, its folder; and taking all of it away again. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '#errors';
import type { LogAdmin, LogClient } from '#kafka';
import type { Watchdog } from '../../local/watchdog.ts';
import type { Contestant } from './contestants.ts';
import type { ContestantSetup } from './setup.ts';

export interface BenchPlace {
  readonly bootstrapServers: string;
  readonly client: LogClient;
  readonly admin: LogAdmin;
  readonly watchdog: Pick<Watchdog, 'watch' | 'forget'>;
  /** For state on disk. */
  readonly folder: string;
  /** Absent: what the broker uses is not known. */
  readonly brokerPid?: number | undefined;
  /** Told what goes on, one line each. */
  readonly report: (line: string) => void;
}

export type ApplicationOptions = Pick<
  ContestantSetup,
  'input' | 'guarantee' | 'emit' | 'counts' | 'commitIntervalMs'
> & {
  readonly contestant: Contestant;
  readonly partitions: number;
};

/** No run may find what another left behind. */
const base = `bench-${Date.now()}`;
let made = 0;

export async function makeApplication(
  { bootstrapServers, admin, folder }: BenchPlace,
  { contestant, partitions, ...rest }: ApplicationOptions,
): Promise<ContestantSetup> {
  made += 1;
  const applicationId = `${base}-${made}-${contestant.name}`;
  const output = `${applicationId}-output`;
  await admin.createTopics(
    [output, `${applicationId}-dead`].map(topic => ({ topic, partitions, replicas: 1 })),
  );
  const stateDir = join(folder, applicationId);
  return { bootstrapServers, applicationId, output, engine: contestant.engine, stateDir, ...rest };
}

const topicsOf = async (admin: LogAdmin, applicationId: string) =>
  (await admin.listTopics()).filter(topic => topic.startsWith(`${applicationId}-`));

/** Errors: BUG when the contestant wrote no changelog: it would have done less than the others. */
export async function requireChangelog(admin: LogAdmin, { applicationId }: ContestantSetup): Promise<void> {
  const changelogs = (await topicsOf(admin, applicationId)).filter(topic => topic.endsWith('-changelog'));
  for (const topic of changelogs) {
    const ranges = await admin.offsets(topic);
    if (ranges.some(({ earliest, latest }) => latest > earliest)) return;
  }
  throw new SluiceError(
    'BUG',
    `${applicationId} wrote nothing to a changelog (${changelogs.join(', ') || 'it has none'})`,
  );
}

export async function removeApplication(admin: LogAdmin, setup: ContestantSetup): Promise<void> {
  await admin.deleteTopics(await topicsOf(admin, setup.applicationId));
  await rm(setup.stateDir, { recursive: true, force: true });
}
