/** What discovery remembers of the last version of a policy it wrote or read: enough to tell whether the next one says something else. */

import { hashOf } from '#policy';
import type { Policy, Stage } from '#schemas';

export interface PlannedVersion {
  readonly generation: number;
  readonly digest: string;
  readonly stage: Stage;
  /** Hash of what is told of it besides its documents. How much evidence there is may grow without a new generation. */
  readonly story: string;
}

export function versionOf({ generation, digest, stage, rules, losses }: Policy): PlannedVersion {
  return { generation, digest, stage, story: hashOf([losses, rules.map(({ summary }) => summary)]) };
}
