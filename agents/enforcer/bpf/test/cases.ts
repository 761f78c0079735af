/** What the kernel part must do, each tried for real. Runs in the guest (run-cases.ts); named on the host. */

import type { Case } from './case.ts';
import { fileCases } from './file-cases.ts';
import { identityCases } from './identity-cases.ts';
import { lifeCases } from './life-cases.ts';
import { networkCases } from './network-cases.ts';

export const cases: readonly Case[] = [...fileCases, ...identityCases, ...networkCases, ...lifeCases];
