import { hashOf } from '#policy';

const longestName = 63;
const hashDigits = 8;

export interface Named {
  readonly workloadKind: string;
  readonly workload: string;
  /** Absent: the document is for the whole pod. */
  readonly container?: string;
  /** Tells documents for the same container apart. */
  readonly suffix?: string;
}

/**
 * `sluice-<workload>[-<container>]-<hash>[-<suffix>]`, at most 63 characters. The hash is over kind, workload and container, so
 * that neither cutting nor hyphens make two of them alike.
 */
export function documentName({ workloadKind, workload, container, suffix }: Named): string {
  const hash = hashOf([workloadKind, workload, container ?? null]).slice(0, hashDigits);
  const end = suffix ? `-${hash}-${suffix}` : `-${hash}`;
  const start = ['sluice', workload, ...(container ? [container] : [])].join('-').toLowerCase();
  const fit = start
    .replaceAll(/[^a-z0-9-]/g, '-')
    .slice(0, longestName - end.length)
    .replace(/-+$/, '');
  return fit + end;
}
