/**
 * Which rule the kernel means by (rule set, rule).
 *
 * Owns: the names of every rule set this process put or adopted. A replaced one is kept for `keepMs`, because events it
 * caused are still on their way.
 */

import type { NumberedName } from './loader-protocol.ts';

interface Held {
  readonly byRule: ReadonlyMap<number, NumberedName>;
  replacedAtMs: number | undefined;
}

export class RuleNames {
  readonly #keepMs: number;
  readonly #sets = new Map<number, Held>();

  constructor({ keepMs = 600_000 }: { readonly keepMs?: number } = {}) {
    this.#keepMs = keepMs;
  }

  add(ruleset: number, names: readonly NumberedName[]): void {
    this.#sets.set(ruleset, {
      byRule: new Map(names.map(name => [name.rule, name])),
      replacedAtMs: undefined,
    });
  }

  retire(ruleset: number, nowMs: number): void {
    const held = this.#sets.get(ruleset);
    if (held) held.replacedAtMs = nowMs;
    for (const [id, { replacedAtMs }] of this.#sets) {
      if (replacedAtMs !== undefined && nowMs - replacedAtMs > this.#keepMs) this.#sets.delete(id);
    }
  }

  get(ruleset: number, rule: number): NumberedName | undefined {
    return this.#sets.get(ruleset)?.byRule.get(rule);
  }
}
