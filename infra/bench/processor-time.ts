import process from 'node:process';

/** Seconds of processor time that this process spends, all of its threads: what is beside it on the machine does not count. */
export class ProcessorTime {
  #seconds = 0;

  during<T>(work: () => T): T {
    const before = process.cpuUsage();
    const done = work();
    this.#add(before);
    return done;
  }

  async duringAsync<T>(work: () => Promise<T>): Promise<T> {
    const before = process.cpuUsage();
    const done = await work();
    this.#add(before);
    return done;
  }

  get seconds(): number {
    return Math.round(this.#seconds * 1000) / 1000;
  }

  perSecond(count: number): number {
    return Math.round(count / this.#seconds);
  }

  #add(before: NodeJS.CpuUsage): void {
    const { user, system } = process.cpuUsage(before);
    this.#seconds += (user + system) / 1e6;
  }
}
