/**
 * The enforcer: loader, cgroups, topics and books, wired together.
 *
 * Owns: the order in which things start, are taken up again and end. Does not own: any adapter (main.ts).
 *
 * G1 What is pinned stays in force whatever fails here or in the broker.
 * G2 Containers are observed as soon as a loader serves; no broker is needed for that. Events wait in the kernel's ring
 *    buffer until registry and broker have said how to write them and with which number to go on.
 * G3 Ending leaves everything pinned; events that were handed out are sent first, as far as the broker takes them.
 */

import { classify } from '#errors';
import { type EntityChange, type Policy, type Serdes, topicName } from '#schemas';
import { Books } from './books.ts';
import { CgroupWatch } from './cgroup-watch.ts';
import { Emitter } from './emitter.ts';
import { Enforcement } from './enforcement.ts';
import type { EnforcerOptions } from './enforcer-options.ts';
import { EntityTable } from './entity-table.ts';
import { EventStream } from './event-stream.ts';
import { Loader } from './loader.ts';
import type { Ready } from './loader-protocol.ts';
import { PolicyTable } from './policy-table.ts';
import { recover } from './recovery.ts';
import { Reporter } from './reporter.ts';
import { RuleNames } from './rule-names.ts';
import { ScopeTable } from './scope-table.ts';
import { TopicFollower, type TopicFollowerOptions } from './topic-follower.ts';

const retryMs = { first: 200, most: 5000 };
/** Numbers and event times may change places by no more than this. */
const disorderMs = 10_000;
/** How long the first events wait for entities and policies. */
const informedMs = 3000;
/** Entities come in bursts; rules are worked out once for each. */
const burstMs = 50;

type PauseReason = 'spool' | 'start';

export class Enforcer {
  readonly #options: EnforcerOptions;
  readonly #now: () => number;
  readonly #books = new Books();
  readonly #scopes = new ScopeTable();
  readonly #names = new RuleNames();
  readonly #entities: EntityTable;
  readonly #policies: PolicyTable;
  readonly #emitter: Emitter;
  readonly #stream: EventStream;
  readonly #reporter: Reporter;
  readonly #loader: Loader;
  readonly #enforcement: Enforcement;
  readonly #cgroups: CgroupWatch;
  readonly #pauses = new Set<PauseReason>();
  /** Topics read to the end they had at the start. */
  readonly #read = new Set<string>();
  readonly #ended = new AbortController();
  readonly #informed = Promise.withResolvers<void>();
  #followers: { close(): Promise<void> }[] = [];
  #serdes: Serdes | undefined;
  #boot: Ready | undefined;
  #begun = false;
  #runId: string | undefined;
  #loaderRestarts = 0;
  #healthTimer: NodeJS.Timeout | undefined;
  #identifyTimer: NodeJS.Timeout | undefined;
  #counting: Promise<void> | undefined;
  #kernelCounters: Readonly<Record<string, number>> = {};

  constructor(options: EnforcerOptions) {
    this.#options = options;
    const { cluster, node, log } = options;
    const now = options.now ?? Date.now;
    this.#now = now;
    this.#entities = new EntityTable(cluster);
    this.#policies = new PolicyTable({ cluster, canaryNode: options.canaryNode });
    this.#emitter = this.#makeEmitter();
    const shared = {
      ...{ tenant: options.tenant, cluster, node, now },
      ...{ scopes: this.#scopes, policies: this.#policies, names: this.#names, emitter: this.#emitter },
    };
    this.#stream = new EventStream({
      ...shared,
      books: this.#books,
      onInvalid: (sequence, { code, message }) =>
        log.error({ code, sequence }, `an event was dropped and counted: ${message}`),
    });
    this.#reporter = new Reporter({
      ...shared,
      version: options.version,
      onNews: (facts, text) => log.info(facts, text),
    });
    this.#loader = new Loader({
      command: options.loaderCommand,
      onReady: ready => void this.#serve(ready),
      onEvent: event => this.#stream.take(event),
      onEnded: (reason, backOffMs) => this.#loaderEnded(reason, backOffMs),
      onFailed: error => options.onFailed(error),
      onLine: line => log.info({}, `loader: ${line}`),
    });
    this.#enforcement = new Enforcement({
      ...shared,
      loader: this.#loader,
      entities: this.#entities,
      reportAllowed: options.reportAllowed,
      onPass: () => this.#reporter.tellStatus(this.#enforcement),
      onTrouble: text => log.warn({}, text),
    });
    this.#cgroups = this.#makeCgroupWatch();
  }

  /** Returns at once; everything else comes as loader, registry and broker answer. Errors: CONFIG_INVALID. */
  start(): void {
    this.#cgroups.start();
    this.#loader.start();
    void this.#openTopics();
  }

  /** Ends what it started; sends what it can within the limit. Idempotent. */
  async close(limitMs = 5000): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    clearInterval(this.#healthTimer);
    clearTimeout(this.#identifyTimer);
    this.#cgroups.stop();
    this.#enforcement.close();
    await Promise.all(this.#followers.map(follower => follower.close()));
    await this.#count();
    await this.#loader.close();
    await this.#emitter.flush(limitMs);
    // The last statement is about everything that was handed out.
    this.#tellHealth();
    await this.#emitter.close(limitMs);
    this.#options.log.info({ unsent: this.#emitter.numbered }, 'ended; what is pinned stays in force');
  }

  #makeEmitter(): Emitter {
    const { client, spoolBytes, flushMs, log } = this.#options;
    return new Emitter({
      producer: () => client.producer(),
      limitBytes: spoolBytes,
      flushMs,
      onDelivered: records => this.#books.delivered(records.flatMap(({ sequence }) => sequence ?? [])),
      onRefused: ({ topic, sequence }, { code, message }) => {
        if (sequence !== undefined) this.#books.refused(sequence);
        log.error({ topic, sequence, code }, `a record was dropped and counted: ${message}`);
      },
      onPressure: pressed => this.#pause('spool', pressed),
      onRetry: ({ code, message }, attempt) =>
        log.warn({ code, attempt, spooled: this.#emitter.numbered }, `records wait: ${message}`),
      now: this.#now,
    });
  }

  #makeCgroupWatch(): CgroupWatch {
    const { cgroupRoot, standaloneContainers, rescanMs, log } = this.#options;
    return new CgroupWatch({
      root: cgroupRoot,
      standalone: standaloneContainers,
      rescanMs,
      onAdded: cgroup => {
        const { container, identified } = this.#scopes.add(cgroup, this.#entities);
        log.info({ container: container.id, pod: container.pod, identified }, 'container observed');
        this.#enforcement.changed();
      },
      onRemoved: ({ cgroupId, containerId }) => {
        this.#scopes.remove(cgroupId, this.#now());
        log.info({ container: containerId }, 'container gone');
        this.#enforcement.changed();
      },
    });
  }

  async #openTopics(): Promise<void> {
    const serdes = await this.#persist('the schema registry', () => this.#options.openSerdes());
    if (!serdes || this.#ended.signal.aborted) return;
    this.#serdes = serdes;
    this.#reporter.begin(serdes);
    this.#begin();
    this.#follow(serdes, {
      name: 'entities.v1',
      onRecord: (key, change: EntityChange | null) => this.#entities.apply(key, change),
      onBatchEnd: () => this.#identifySoon(),
    });
    this.#follow(serdes, {
      name: 'policies.v1',
      onRecord: (key, policy: Policy | null) => this.#takePolicy(key, policy),
      onBatchEnd: () => this.#enforcement.changed(),
    });
  }

  #follow<T extends 'entities.v1' | 'policies.v1'>(
    serdes: Serdes,
    what: Pick<TopicFollowerOptions<T>, 'name' | 'onRecord' | 'onBatchEnd'>,
  ): void {
    const { client, tenant, log } = this.#options;
    const follower = new TopicFollower({
      ...what,
      client,
      serdes,
      topic: topicName(tenant, what.name),
      onCaughtUp: () => this.#caughtUp(what.name),
      onBadRecord: (record, error) => {
        const { topic, partition, offset } = record;
        log.warn({ topic, partition, offset, code: error.code }, `record put aside: ${error.message}`);
        this.#reporter.tellDeadLetter(record, error);
      },
      onRetry: ({ code, message }) => log.warn({ code, topic: what.name }, `not readable now: ${message}`),
    });
    this.#followers.push(follower);
    follower.start();
  }

  #caughtUp(name: string): void {
    this.#read.add(name);
    if (this.#read.size < this.#followers.length) return;
    const facts = { entities: this.#entities.size, policies: this.#policies.inForce.length };
    this.#options.log.info(facts, 'entities and policies read');
    this.#identify();
    this.#enforcement.inform();
    this.#informed.resolve();
  }

  async #serve(ready: Ready): Promise<void> {
    const { log } = this.#options;
    const { bootId, kernel, adopted, sequence, ringFull, missingHooks } = ready;
    log.info({ bootId, kernel, adopted, sequence }, adopted ? 'adopted what is pinned' : 'programs attached');
    if (missingHooks.length > 0) {
      log.warn({ missingHooks }, 'this kernel lacks hooks: what they rule is not enforced');
    }
    this.#books.session({ emitted: sequence, ringFull });
    try {
      const { scopes } = await this.#loader.request({ kind: 'list' });
      // What is asked from here on is done by the loader although its answers wait behind the events.
      if (!this.#runId) this.#pause('start', true);
      this.#enforcement.adopt(scopes);
      this.#boot = ready;
    } catch (failure) {
      log.warn({}, classify(failure).message);
      return;
    }
    this.#begin();
  }

  #loaderEnded(reason: string, backOffMs: number): void {
    this.#loaderRestarts += 1;
    this.#enforcement.suspend();
    this.#options.log.warn(
      { reason, backOffMs },
      'the loader ended and is started again; what is pinned stays in force',
    );
  }

  /** Loader and registry have both answered: what came before can be read, then events be written. */
  #begin(): void {
    const [serdes, boot] = [this.#serdes, this.#boot];
    if (!serdes || !boot || this.#begun) return;
    this.#begun = true;
    void this.#takeUp(serdes, boot);
  }

  async #takeUp(serdes: Serdes, boot: Ready): Promise<void> {
    const { client, tenant, cluster, node, log, healthMs } = this.#options;
    const { bootId, bootEpochUs, adopted, sequence } = boot;
    const bootedAtMs = Math.floor(bootEpochUs / 1000);
    const who = { agent: this.#reporter.agentId, cluster, node, bootId, bootedAtMs, adopted, sequence };
    const found = await this.#persist('what a predecessor delivered', () =>
      recover({ client, serdes, tenant, ...who }),
    );
    if (!found) return;
    // Events are written with the identity and the words of policies that the topics already hold, if they are readable.
    await Promise.race([this.#informed.promise, pause(informedMs)]);
    if (this.#ended.signal.aborted) return;
    const { runId, resume } = found;
    this.#books.resume(resume, this.#now());
    this.#runId = runId;
    this.#stream.begin(serdes, { bootId: runId, bootEpochUs });
    this.#pause('start', false);
    const { delivered, settled } = this.#books.statement(0);
    log.info({ runId, delivered, settled: settled.sequence }, 'the books are open');
    this.#tellHealth();
    this.#healthTimer = setInterval(() => void this.#count().then(() => this.#tellHealth()), healthMs);
  }

  #identifySoon(): void {
    this.#identifyTimer ??= setTimeout(() => {
      this.#identifyTimer = undefined;
      this.#identify();
    }, burstMs);
  }

  #identify(): void {
    for (const { container } of this.#scopes.identify(this.#entities)) {
      const { id, pod, workload } = container;
      this.#options.log.info({ container: id, pod, workload }, 'container identified');
    }
    this.#enforcement.changed();
  }

  #takePolicy(policyId: string, record: Policy | null): void {
    const { log } = this.#options;
    const outcome = this.#policies.apply(policyId, record);
    this.#reporter.note(policyId, outcome);
    if (outcome.kind === 'accepted') {
      const { generation, force } = outcome.policy;
      log.info({ policyId, generation, force }, 'policy accepted');
    } else if (outcome.kind === 'rejected') {
      log.warn({ policyId, code: outcome.error.code }, `policy rejected: ${outcome.error.message}`);
    } else if (outcome.kind === 'removed') {
      log.info({ policyId }, 'policy removed');
    }
  }

  /** Asks the kernel part how many numbers it gave out, and declares what is missing. One question at a time. */
  #count(): Promise<void> {
    this.#counting ??= this.#askCount().finally(() => {
      this.#counting = undefined;
    });
    return this.#counting;
  }

  async #askCount(): Promise<void> {
    // While events wait, so do answers.
    if (this.#pauses.size > 0) return;
    try {
      const { sequence, ringFull, drained, counters } = await this.#loader.request({ kind: 'stats' });
      this.#kernelCounters = counters;
      this.#books.count({ emitted: sequence, ringFull }, { drained, nowMs: this.#now() });
    } catch {
      // No loader serves just now; the last count stands.
    }
  }

  #tellHealth(): void {
    const [boot, runId] = [this.#boot, this.#runId];
    if (!boot || !runId) return;
    const statement = this.#books.statement(this.#emitter.numbered);
    if (statement.faults.length > 0) {
      this.#options.log.error({ faults: statement.faults }, 'the books of events do not balance');
    }
    const openSinceMs = this.#openSinceMs(boot, statement.spooled);
    this.#reporter.tellHealth({ bootId: runId, openSinceMs, statement, counters: this.#counters() });
  }

  /** Nothing beyond what is settled can have an earlier event time. */
  #openSinceMs({ bootEpochUs }: Ready, spooled: number): number {
    const isQuiet = spooled === this.#emitter.numbered;
    const newest = isQuiet ? this.#now() : this.#stream.lastTimeMs || this.#now();
    const oldest = Math.min(this.#emitter.oldestMs ?? newest, newest) - disorderMs;
    return Math.max(Math.floor(bootEpochUs / 1000), Math.floor(oldest));
  }

  #counters(): Record<string, number> {
    const kernel = Object.entries(this.#kernelCounters).map(([name, n]) => [`kernel.${name}`, n]);
    return {
      ...this.#stream.counters,
      ...Object.fromEntries(kernel),
      'events.duplicate': this.#books.duplicates,
      'loader.restarts': this.#loaderRestarts,
      'dead-letters': this.#reporter.deadLetters,
      'spool.bytes': this.#emitter.sizeBytes,
      containers: this.#scopes.scopes.length,
      policies: this.#policies.inForce.length,
      'rule-sets': this.#enforcement.installed.size,
    };
  }

  #pause(reason: PauseReason, paused: boolean): void {
    const before = this.#pauses.size > 0;
    if (paused) this.#pauses.add(reason);
    else this.#pauses.delete(reason);
    const after = this.#pauses.size > 0;
    if (before === after) return;
    this.#loader.pause(after);
    this.#options.log.info({ reason }, after ? 'events wait in the kernel' : 'events flow again');
  }

  /** Tries until it works or the enforcer ends. */
  async #persist<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    const { signal } = this.#ended;
    for (let waitMs = retryMs.first; !signal.aborted; waitMs = Math.min(retryMs.most, waitMs * 2)) {
      try {
        return await work();
      } catch (failure) {
        const { code, message } = classify(failure);
        this.#options.log.warn({ code }, `${what} cannot be read now: ${message}`);
        await pause(waitMs);
      }
    }
    return undefined;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms).unref());
}
