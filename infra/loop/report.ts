/**
 * What the loop showed, as a short table for people and one JSON object for programs.
 *
 * Owns: which facts make the loop hold. Does not own: how they came about (main.ts).
 */

export interface AttackResult {
  readonly name: string;
  /** control: no enforcement, it must succeed; enforced: it must be denied; orphaned: the agent is dead, it must still be denied. */
  readonly phase: 'control' | 'enforced' | 'orphaned';
  readonly outcome: 'succeeded' | 'denied' | 'failed';
  readonly error: string;
  /** The alert it raised: absent when none did. */
  readonly alert?: {
    readonly policyId: string;
    readonly ruleId: string;
    readonly generation: number;
    readonly container: string;
    /** From the operation in the kernel to the record in the consumer's hands. */
    readonly delayMs: number;
    readonly attributed: boolean;
  };
}

export interface LoopResult {
  readonly learnedEvents: number;
  readonly policies: number;
  readonly rules: number;
  readonly benignDrives: number;
  readonly benignDenials: number;
  readonly attacks: readonly AttackResult[];
  readonly adopted: boolean;
  /** Numbers the kernel gave out. */
  readonly emitted: number;
  /** Numbers that arrived in Kafka. */
  readonly arrived: number;
  /** Numbers declared held: their events wait in the kernel for the next agent. */
  readonly spooled: number;
  /** Numbers declared dropped, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly seconds: number;
}

export const ALERT_LIMIT_MS = 2000;

/** Numbers that neither arrived nor were declared held or dropped. */
export function lost({ emitted, arrived, spooled, dropped }: LoopResult): number {
  return emitted - arrived - spooled - Object.values(dropped).reduce((a, b) => a + b, 0);
}

/** Every way in which the loop did not hold; empty when it did. */
export function faults(result: LoopResult): string[] {
  const found: string[] = [];
  const fault = (when: boolean, text: string) => {
    if (when) found.push(text);
  };
  fault(result.learnedEvents === 0, 'nothing was learned');
  fault(result.policies === 0, 'no policy was discovered');
  fault(result.benignDenials > 0, `(a) ${result.benignDenials} benign operations were denied`);
  for (const phase of ['control', 'enforced', 'orphaned'] as const) {
    const attacks = result.attacks.filter(attack => attack.phase === phase);
    fault(attacks.length === 0, `no attack was made in the ${phase} phase`);
    for (const attack of attacks) for (const text of attackFaults(attack)) found.push(text);
  }
  fault(!result.adopted, '(d) the restarted enforcer did not adopt the pinned state');
  fault(lost(result) !== 0, `(d) ${lost(result)} events are not accounted for`);
  return found;
}

function attackFaults(attack: AttackResult): string[] {
  const name = `${attack.name} (${attack.phase})`;
  if (attack.phase === 'control') {
    return attack.outcome === 'succeeded'
      ? []
      : [`${name} does not work even without enforcement: ${attack.error}`];
  }
  const found: string[] = [];
  if (attack.outcome !== 'denied') found.push(`${name} was not denied: ${attack.outcome} ${attack.error}`);
  else if (!/permission denied/i.test(attack.error)) found.push(`${name} was denied with "${attack.error}"`);
  if (!attack.alert) found.push(`${name} raised no alert`);
  else {
    if (!attack.alert.attributed)
      found.push(`${name} raised an alert that names ${JSON.stringify(attack.alert)}`);
    // The events of a dead agent wait in the ring buffer, so their alerts come when it is back.
    if (attack.phase === 'enforced' && attack.alert.delayMs > ALERT_LIMIT_MS) {
      found.push(`${name} raised its alert after ${attack.alert.delayMs} ms`);
    }
  }
  return found;
}

export function table(result: LoopResult): string {
  const rows = result.attacks.map(attack => [
    attack.phase,
    attack.name,
    attack.outcome,
    attack.error,
    attack.alert ? attack.alert.ruleId : '-',
    attack.alert ? `g${attack.alert.generation} ${attack.alert.container}` : '-',
    attack.alert && attack.phase === 'enforced' ? `${attack.alert.delayMs} ms` : '-',
  ]);
  const all = [
    ['phase', 'attack', 'outcome', 'error', 'rule', 'generation, container', 'alert after'],
    ...rows,
  ];
  const widths = all[0]!.map((_, column) => Math.max(...all.map(row => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd();
  const drops = Object.entries(result.dropped).filter(([, n]) => n > 0);
  return [
    ...all.map(line),
    '',
    `learned from ${result.learnedEvents} events: ${result.policies} policies with ${result.rules} rules`,
    `benign drives under enforcement: ${result.benignDrives}, denied operations: ${result.benignDenials}`,
    `numbers given out ${result.emitted} = arrived ${result.arrived}` +
      (result.spooled === 0 ? '' : ` + held ${result.spooled}`) +
      drops.map(([reason, n]) => ` + dropped (${reason}) ${n}`).join('') +
      (lost(result) === 0 ? '' : ` + LOST ${lost(result)}`),
    `restarted agent adopted the pinned state: ${result.adopted ? 'yes' : 'NO'}`,
  ].join('\n');
}

/** The last line the loop prints. */
export function summary(result: LoopResult): string {
  const enforced = result.attacks.filter(attack => attack.phase !== 'control');
  return JSON.stringify({
    benignDenials: result.benignDenials,
    attacksDenied: enforced.filter(attack => attack.outcome === 'denied').length,
    attacksMade: enforced.length,
    alertsAttributed: enforced.filter(attack => attack.alert?.attributed).length,
    slowestAlertMs: Math.max(
      0,
      ...enforced.filter(a => a.phase === 'enforced' && a.alert).map(a => a.alert!.delayMs),
    ),
    lost: lost(result),
    spooled: result.spooled,
    dropped: result.dropped,
    emitted: result.emitted,
    adopted: result.adopted,
    learnedEvents: result.learnedEvents,
    policies: result.policies,
    rules: result.rules,
    seconds: result.seconds,
    holds: faults(result).length === 0,
  });
}
