/**
 * Crash torture: an application per guarantee counts the same words while it, and the broker, are killed with -9.
 *
 * Owns: who is killed when, and the report. Does not own: what must hold (verdict.ts), what the topics say (ledger.ts).
 */

import { SluiceError } from '#errors';
import { kafkaClient } from '#kafka';
import { type LoneBroker, startLoneBroker } from '../../../infra/local/lone-broker.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { Turns } from '../runtime/turns.ts';
import { type Guarantee, guarantees, startCounting } from './counting.ts';
import { feed } from './feeder.ts';
import { auditState, countings, type Log, Words, writtenCounts } from './ledger.ts';
import { seeded } from './random.ts';
import { shortSessions } from './short-sessions.ts';
import { outputViolations } from './verdict.ts';
import { type Torment, torment } from './victim.ts';

export interface TortureOptions {
  /** Of processes, for each guarantee. */
  readonly kills: number;
  readonly brokerKills: number;
  /** 32 bits: the same seed makes the same choices. */
  readonly seed: number;
  readonly ratePerSecond: number;
  readonly livesMs: readonly [shortest: number, longest: number];
  report(line: string): void;
}

export interface TortureRun {
  readonly guarantee: Guarantee;
  readonly kills: number;
  readonly fellWithBroker: number;
  /** Words that were counted and committed while the killing went on. */
  readonly underFire: number;
  readonly outputs: number;
  /** Outputs that were written before. */
  readonly repeated: number;
  /** Times that the state in the log was compared with the input before its offsets. */
  readonly audits: number;
  readonly violations: readonly string[];
}

export interface TortureReport {
  readonly seed: number;
  readonly words: number;
  readonly brokerKills: number;
  readonly seconds: number;
  readonly runs: readonly TortureRun[];
  readonly ok: boolean;
}

const clock = systemClock;
const partitions = 3;
const differentWords = 60;
const input = 'torture-words';
const nameOf = (guarantee: Guarantee) => `torture-${guarantee}`;
const sessionTimeoutMs = 1_500;
const killsPerAudit = 5;
/** Ends of transactions are seen a moment after the transaction. */
const auditPatienceMs = 5_000;
const settlePatienceMs = 120_000;
const longestAbsenceMs = 2_500;

/** Errors: UNREACHABLE when no broker can be started, TIMEOUT when an application does not come to rest. */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const broker = await startLoneBroker({ report: options.report, settings: shortSessions });
  const client = kafkaClient({ bootstrapServers: broker.bootstrapServers, clientId: 'torture' });
  try {
    const admin = await client.admin();
    const topics = [input, ...guarantees.flatMap(each => countings.map(what => `${nameOf(each)}-${what}`))];
    await admin.createTopics(topics.map(topic => ({ topic, partitions })));
    await admin.createTopics(guarantees.map(each => ({ topic: `${nameOf(each)}-dead`, partitions: 1 })));
    return await new Torturer(options, broker, { client, admin }).run();
  } finally {
    await client.close().catch(() => {});
    await broker.release();
  }
}

class Torturer {
  readonly #options: TortureOptions;
  readonly #broker: LoneBroker;
  readonly #log: Log;
  readonly #words: Words;
  /** Audits and kills of the broker take turns. */
  readonly #turns = new Turns();
  readonly #audited = new Map<Guarantee, { audits: number; readonly violations: string[] }>();
  readonly #beganMs = clock.now();
  #kills = 0;
  #brokerKills = 0;

  constructor(options: TortureOptions, broker: LoneBroker, log: Log) {
    this.#options = options;
    this.#broker = broker;
    this.#log = log;
    this.#words = new Words(log, input);
    for (const guarantee of guarantees) this.#audited.set(guarantee, { audits: 0, violations: [] });
  }

  async run(): Promise<TortureReport> {
    const { seed, ratePerSecond } = this.#options;
    const feeding = new AbortController();
    const fed = feed({
      ...{ client: this.#log.client, topic: input, clock, random: seeded(seed), words: differentWords },
      ...{ ratePerSecond, signal: feeding.signal },
    });
    const [torments] = await Promise.all([
      Promise.all(guarantees.map((guarantee, index) => this.#torment(guarantee, index + 1))),
      this.#killBroker(),
    ]);
    feeding.abort();
    const acknowledged = await fed;
    await this.#words.catchUp();
    const lost = acknowledged - this.#words.size;
    this.#say(`${this.#words.size} words were written; the applications catch up`);
    const runs = await Promise.all(
      guarantees.map((guarantee, index) => this.#judge(guarantee, torments[index]!, lost)),
    );
    return {
      seed,
      words: this.#words.size,
      brokerKills: this.#brokerKills,
      seconds: Math.round((clock.now() - this.#beganMs) / 1_000),
      runs,
      ok: runs.every(({ violations }) => violations.length === 0),
    };
  }

  #torment(guarantee: Guarantee, stream: number): Promise<Torment> {
    const { kills, livesMs, seed } = this.#options;
    return torment({
      ...{ bootstrapServers: this.#broker.bootstrapServers, name: nameOf(guarantee), guarantee, input },
      ...{ sessionTimeoutMs, kills, livesMs, clock, random: seeded(seed + stream) },
      brokerKills: () => this.#brokerKills,
      onKilled: async done => {
        this.#kills += 1;
        if (done % killsPerAudit !== 0) return;
        await this.#turns.run(() => this.#audit(guarantee));
        const { violations } = this.#audited.get(guarantee)!;
        this.#say(`${guarantee}: killed ${done} of ${kills} times, ${violations.length} violations`);
      },
    });
  }

  /** Spread over the kills of processes. */
  async #killBroker(): Promise<void> {
    const { kills, brokerKills, seed } = this.#options;
    const random = seeded(seed - 1);
    const all = kills * guarantees.length;
    for (let next = 1; next <= brokerKills; next += 1) {
      while (this.#kills < (next * all) / (brokerKills + 1)) await clock.sleep(100);
      await clock.sleep(random.between(0, 1_000));
      await this.#turns.run(async () => {
        this.#brokerKills += 1;
        this.#broker.kill();
        await clock.sleep(random.between(0, longestAbsenceMs));
        await this.#broker.start();
      });
      this.#say(`the broker was killed ${next} of ${brokerKills} times, and is back`);
    }
  }

  async #audit(guarantee: Guarantee): Promise<void> {
    const audited = this.#audited.get(guarantee)!;
    const untilMs = clock.now() + auditPatienceMs;
    for (;;) {
      // Before its first start there is nothing to look at.
      const found = await auditState(this.#log, nameOf(guarantee), this.#words).catch(error => {
        if (error instanceof SluiceError && error.code === 'TOPIC_UNKNOWN') return [];
        throw error;
      });
      audited.audits += 1;
      if (found.length === 0) return;
      if (clock.now() > untilMs) return void audited.violations.push(...found);
      await clock.sleep(200);
    }
  }

  async #judge(guarantee: Guarantee, torment: Torment, lost: number): Promise<TortureRun> {
    const name = nameOf(guarantee);
    const underFire = await this.#committed(name);
    await this.#settle(guarantee);
    await this.#audit(guarantee);
    const { audits, violations: state } = this.#audited.get(guarantee)!;
    const violations = [...torment.violations, ...state];
    if (lost > 0) violations.push(`the broker lost ${lost} acknowledged words: nothing can be said`);
    let outputs = 0;
    for (const counting of countings) {
      const written = await writtenCounts(this.#log, name, counting);
      for (const sequence of written.values()) outputs += sequence.length;
      const found = outputViolations(this.#words.expected(counting), written, guarantee);
      violations.push(...found.map(each => `${counting}: ${each}`));
    }
    const repeated = outputs - this.#words.size * countings.length;
    const { kills } = this.#options;
    const { fellWithBroker } = torment;
    return { guarantee, kills, fellWithBroker, underFire, outputs, repeated, audits, violations };
  }

  async #committed(name: string): Promise<number> {
    const offsets = await this.#log.admin.committed(name, [input]);
    return offsets.reduce((sum, { offset }) => sum + offset, 0);
  }

  /** Has the application process all there is, and end in order. */
  async #settle(guarantee: Guarantee): Promise<void> {
    const name = nameOf(guarantee);
    const { bootstrapServers } = this.#broker;
    const streams = await startCounting({
      bootstrapServers,
      name,
      guarantee,
      input,
      options: { sessionTimeoutMs },
    });
    const untilMs = clock.now() + settlePatienceMs;
    try {
      for (;;) {
        const done = await this.#committed(name);
        if (done >= this.#words.size) return;
        if (clock.now() > untilMs)
          throw new SluiceError('TIMEOUT', `${name} came to ${done} of ${this.#words.size} and no further`);
        await clock.sleep(200);
      }
    } finally {
      await streams.close();
    }
  }

  #say(line: string): void {
    const seconds = Math.round((clock.now() - this.#beganMs) / 1_000);
    this.#options.report(`[${`${seconds}`.padStart(3)} s] ${line}`);
  }
}
