/**
 * Brings the kernel's scopes and rule sets to what containers, entities and policies ask for.
 *
 * Owns: when a rule set is put, kept, removed. Does not own: what is in it (kernel-rules.ts), the loader process.
 *
 * N1 A rule set is put only when its bytes differ from those in force.
 * N2 Nothing is taken away for lack of knowledge: not before both topics were read to their ends, not from a container
 *    whose pod is unknown, not while a pinned rule set names a policy whose record is not at hand (I5).
 * N3 One pass at a time; what changes meanwhile is met by another pass.
 */

import { randomInt } from 'node:crypto';
import { classify } from '#errors';
import type { EntityTable } from './entity-table.ts';
import { compileRules } from './kernel-rules.ts';
import type { Loader } from './loader.ts';
import { type ListedScope, type NumberedName, type RuleSet, scopeFlags } from './loader-protocol.ts';
import { containerRules, type PolicyTable } from './policy-table.ts';
import type { RuleNames } from './rule-names.ts';
import type { Scope, ScopeTable } from './scope-table.ts';

export interface Installed {
  readonly ruleset: number;
  readonly token: string;
  readonly names: readonly NumberedName[];
  /** Found pinned, not put by this process. */
  readonly adopted: boolean;
}

export interface EnforcementOptions {
  readonly loader: Pick<Loader, 'request'>;
  readonly scopes: ScopeTable;
  readonly entities: EntityTable;
  readonly policies: PolicyTable;
  readonly names: RuleNames;
  readonly node: string;
  /** Also tell what is allowed. */
  readonly reportAllowed: boolean;
  /** After each pass: `installed` and `troubles` may have changed. */
  readonly onPass: () => void;
  readonly onTrouble: (text: string) => void;
  readonly now: () => number;
}

const retryMs = 5000;
const linuxErrno = { ENOENT: 2, EEXIST: 17 } as const;

export class Enforcement {
  readonly #options: EnforcementOptions;
  readonly #installed = new Map<number, Installed>();
  readonly #known = new Set<number>();
  readonly #troubles = new Map<number, string>();
  #serving = false;
  #informed = false;
  #running = false;
  #wanted = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: EnforcementOptions) {
    this.#options = options;
  }

  /** By cgroup id: what the kernel holds. */
  get installed(): ReadonlyMap<number, Installed> {
    return this.#installed;
  }

  /** By cgroup id: why a container does not have what it should. */
  get troubles(): ReadonlyMap<number, string> {
    return this.#troubles;
  }

  /** A loader serves, and this is what the kernel held before it was asked for anything. */
  adopt(listed: readonly ListedScope[]): void {
    const { names, policies, scopes } = this.#options;
    const putByUs = new Map(
      [...this.#installed].map(([id, { ruleset, adopted }]) => [id, adopted ? 0 : ruleset]),
    );
    this.#installed.clear();
    this.#known.clear();
    for (const { cgroupId, ruleset, token, names: ruleNames } of listed) {
      this.#known.add(cgroupId);
      if (ruleset === 0) continue;
      names.add(ruleset, ruleNames);
      const adopted = putByUs.get(cgroupId) !== ruleset;
      this.#installed.set(cgroupId, { ruleset, token: token.toString('hex'), names: ruleNames, adopted });
      if (scopes.get(cgroupId)) for (const name of ruleNames) policies.adopt(name.policyId, name.generation);
    }
    this.#serving = true;
    this.changed();
  }

  /** No loader serves; the kernel keeps what it holds. */
  suspend(): void {
    this.#serving = false;
  }

  /** Policies and entities have been read to their ends. */
  inform(): void {
    this.#informed = true;
    this.changed();
  }

  /** Something a pass looks at is other than before. */
  changed(): void {
    this.#wanted = true;
    if (this.#running || !this.#serving) return;
    this.#running = true;
    void this.#passes().finally(() => {
      this.#running = false;
    });
  }

  close(): void {
    this.#serving = false;
    clearTimeout(this.#retry);
  }

  async #passes(): Promise<void> {
    while (this.#wanted && this.#serving) {
      this.#wanted = false;
      try {
        await this.#pass();
      } catch (failure) {
        // The loader ended in between: the next one's `adopt` begins anew.
        this.#trouble(0, classify(failure).message);
      }
      this.#options.onPass();
    }
  }

  async #pass(): Promise<void> {
    clearTimeout(this.#retry);
    this.#troubles.clear();
    const { scopes } = this.#options;
    const here = new Set(scopes.scopes.map(scope => scope.cgroupId));
    for (const cgroupId of this.#known) if (!here.has(cgroupId)) await this.#removeScope(cgroupId);
    // Scopes first: a container is observed before anyone thinks about its rules.
    for (const { cgroupId } of scopes.scopes) if (!this.#known.has(cgroupId)) await this.#setScope(cgroupId);
    if (this.#informed)
      for (const scope of scopes.scopes) if (this.#known.has(scope.cgroupId)) await this.#settle(scope);
    if (this.#troubles.size > 0) this.#retry = setTimeout(() => this.changed(), retryMs);
  }

  async #setScope(cgroupId: number): Promise<void> {
    const flags = this.#options.reportAllowed ? scopeFlags.report : 0;
    const { errno, message } = await this.#options.loader.request({ kind: 'scope-set', cgroupId, flags });
    if (errno === 0) this.#known.add(cgroupId);
    else this.#trouble(cgroupId, `it cannot be observed: ${message} (errno ${errno})`);
  }

  async #removeScope(cgroupId: number): Promise<void> {
    await this.#options.loader.request({ kind: 'scope-remove', cgroupId });
    this.#known.delete(cgroupId);
    this.#forget(cgroupId);
  }

  async #settle(scope: Scope): Promise<void> {
    const { policies, entities, node } = this.#options;
    const { cgroupId } = scope;
    const installed = this.#installed.get(cgroupId);
    if (installed && !scope.identified) return;
    const unreadable = installed?.names.find(({ policyId }) => policies.isPinnedOnly(policyId));
    const wanted = policies.policiesOf(scope);
    if (unreadable) {
      const isOwn = wanted.every(({ policyId }) => installed!.names.some(name => name.policyId === policyId));
      if (!isOwn) {
        const { policyId, generation } = unreadable;
        this.#trouble(
          cgroupId,
          `it keeps its pinned rules, because the record of ${policyId} generation ${generation} is not at hand; publish ${policyId} again`,
        );
      }
      return;
    }
    if (wanted.length === 0) {
      if (installed) await this.#removeRules(cgroupId);
      return;
    }
    let rules: RuleSet;
    try {
      rules = compileRules(
        containerRules({ scope, policies: wanted, entities, nodeAddresses: entities.nodeAddresses(node) }),
      );
    } catch (failure) {
      this.#trouble(cgroupId, classify(failure).message);
      return;
    }
    if (rules.token.toString('hex') === installed?.token) return;
    const generation = Math.max(...wanted.map(policy => policy.generation));
    await this.#put(cgroupId, rules, generation);
  }

  async #put(cgroupId: number, rules: RuleSet, generation: number): Promise<void> {
    const { loader, names, now } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const ruleset = randomInt(1, 0xffff_ffff);
      // Known before the swap: the first event of the new rules may come before the answer.
      names.add(ruleset, rules.names);
      const put = { kind: 'ruleset-put', cgroupId, ruleset, generation, ...rules } as const;
      const { errno, message } = await loader.request(put);
      if (errno === 0) {
        const before = this.#installed.get(cgroupId);
        if (before) names.retire(before.ruleset, now());
        const token = rules.token.toString('hex');
        this.#installed.set(cgroupId, { ruleset, token, names: rules.names, adopted: false });
        return;
      }
      names.retire(ruleset, now());
      if (errno === linuxErrno.EEXIST && attempt < 3) continue;
      // The cgroup went away in between: the watch tells.
      if (errno === linuxErrno.ENOENT) return;
      this.#trouble(cgroupId, `the kernel part refused its rules: ${message} (errno ${errno})`);
      return;
    }
  }

  async #removeRules(cgroupId: number): Promise<void> {
    const { errno, message } = await this.#options.loader.request({ kind: 'ruleset-remove', cgroupId });
    if (errno === 0 || errno === linuxErrno.ENOENT) this.#forget(cgroupId);
    else this.#trouble(cgroupId, `its rules cannot be removed: ${message} (errno ${errno})`);
  }

  #forget(cgroupId: number): void {
    const before = this.#installed.get(cgroupId);
    if (before) this.#options.names.retire(before.ruleset, this.#options.now());
    this.#installed.delete(cgroupId);
  }

  #trouble(cgroupId: number, text: string): void {
    this.#troubles.set(cgroupId, text);
    this.#options.onTrouble(cgroupId === 0 ? text : `container of cgroup ${cgroupId}: ${text}`);
  }
}
