/** One access made from a rule, for comparing; and how names that no rule names are written. */

import type { LabelSelector } from '#policy';
import type { Access } from './access.ts';
import { accessText } from './access-text.ts';

/** An access without its actor. */
export type Deed = Omit<Access, 'actor'>;

export interface DeedProbe {
  readonly deed: Deed;
  readonly what: string;
  readonly isSample: boolean;
}

/** In place of a name that no rule names. */
export const unnamed = '\u2026';

export const nothing = { object: '', transport: 'OTHER', port: 0, peer: null } as const;

export function exact(deed: Deed): DeedProbe {
  return { deed, what: accessText(deed), isSample: false };
}

/** Labels that the selector selects. */
export function labelsOf({ matchLabels = {}, matchExpressions = [] }: LabelSelector): Record<string, string> {
  const labels: Record<string, string> = { ...matchLabels };
  for (const { key, operator, values = [] } of matchExpressions) {
    if (operator === 'In') labels[key] ??= values[0] ?? '';
    else if (operator === 'Exists') labels[key] ??= unnamed;
  }
  return labels;
}

/** Somebody whom only a rule for everybody names. */
export function closedDirection(direction: 'egress' | 'ingress'): DeedProbe[] {
  const [operation, verb] =
    direction === 'egress' ? (['CONNECT', 'connects to'] as const) : (['ACCEPT', 'accepts'] as const);
  const peer = {
    ...({
      type: 'WORKLOAD',
      namespace: unnamed,
      workloadKind: 'pods',
      workload: unnamed,
      value: '',
    } as const),
    selector: {},
  };
  const deed = { ...nothing, operation, transport: 'TCP', port: 1, peer } as const;
  return [{ deed, what: `${verb} whom no rule names`, isSample: true }];
}
