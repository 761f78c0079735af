/** Tells on stderr what is being done and how long it took: long work shows progress, stdout stays data. */
export class Steps {
  readonly #start = performance.now();

  get seconds(): number {
    return Math.round((performance.now() - this.#start) / 100) / 10;
  }

  async run<T>(what: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    process.stderr.write(`▸ ${what}\n`);
    try {
      const result = await work();
      process.stderr.write(`  ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
      return result;
    } catch (error) {
      process.stderr.write(`  failed after ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
      throw error;
    }
  }

  note(text: string): void {
    process.stderr.write(`  ${text}\n`);
  }
}

/** Asks until the answer is not undefined; rejects with what it waited for. */
export async function until<T>(
  what: string,
  limitMs: number,
  ask: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`waited ${limitMs / 1000} s for ${what}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
