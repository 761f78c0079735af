/** What the kernel part must do, each tried for real. Runs in the guest (run-cases.ts); named on the host. */

import { fileCases } from './file-cases.ts';
import { identityCases } from './identity-cases.ts';
import { lifeCases } from './life-cases.ts';
import { networkCases } from './network-cases.ts';
import type { Sensor } from './sensor.ts';

export interface Case {
  readonly name: string;
  /** Throws when it does not hold. */
  readonly run: (sensor: Sensor) => Promise<void>;
}

export const cases: readonly Case[] = [...fileCases, ...identityCases, ...networkCases, ...lifeCases];
