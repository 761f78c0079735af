import { setTimeout as sleep } from 'node:timers/promises';

export interface RecoverySetup {
  /** Before the first attempt; doubled with each that follows on it. */
  readonly firstRetryMs: number;
  relocate(topic: string): Promise<void>;
  /** What failed may be sent again, or the topic cannot be located. */
  onDone(topic: string, error: unknown): void;
}

const longestRetryMs = 1_000;

/** Waits a little after a failure, longer each time, and looks up the topic's leaders. One topic does not wait for another. */
export class TopicRecovery {
  readonly #setup: RecoverySetup;
  readonly #running = new Set<string>();
  readonly #waitsMs = new Map<string, number>();

  constructor(setup: RecoverySetup) {
    this.#setup = setup;
  }

  begin(topic: string): void {
    if (this.#running.has(topic)) return;
    this.#running.add(topic);
    void this.#run(topic);
  }

  /** The next wait is a short one again. */
  succeeded(topic: string): void {
    if (this.#waitsMs.size > 0) this.#waitsMs.delete(topic);
  }

  async #run(topic: string): Promise<void> {
    const waitMs = this.#waitsMs.get(topic) ?? this.#setup.firstRetryMs;
    this.#waitsMs.set(topic, Math.min(waitMs * 2, longestRetryMs));
    await sleep(waitMs);
    const error = await this.#setup.relocate(topic).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    this.#running.delete(topic);
    this.#setup.onDone(topic, error);
  }
}
