import { defineConfig } from 'vitest/config';

const beside = (kind: string) => [`{agents,cli,connectors,infra,pipelines,schemas}/**/*.${kind}.ts`];
const real = [...beside('broker.test'), ...beside('kernel.test')];

/**
 * Three suites: `unit` needs nothing but Node, `broker` a real Kafka and registry, `kernel` a guest kernel with BPF-LSM.
 * The real parts run on whatever else the machine does and may be late once, so those two try a failed test again, and
 * say so; a unit test gets no second chance.
 */
export default defineConfig({
  test: {
    // What is waited for usually comes at once; only a failure waits this long.
    expect: { poll: { timeout: 20_000 } },
    projects: [
      { extends: true, test: { name: 'unit', include: beside('test'), exclude: real, testTimeout: 20_000 } },
      {
        extends: true,
        test: {
          name: 'broker',
          include: beside('broker.test'),
          globalSetup: 'infra/local/global-setup.ts',
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          retry: 1,
        },
      },
      {
        extends: true,
        test: {
          name: 'kernel',
          include: beside('kernel.test'),
          testTimeout: 400_000,
          hookTimeout: 400_000,
          fileParallelism: false,
          retry: 1,
        },
      },
    ],
  },
});
