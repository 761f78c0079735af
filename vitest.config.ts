import { defineConfig } from 'vitest/config';

const beside = (kind: string) => [`{agents,cli,connectors,infra,pipelines,schemas}/**/*.${kind}.ts`];
const real = ['broker', 'kernel', 'kube', 'peer'].flatMap(kind => beside(`${kind}.test`));

/**
 * Five suites: `unit` needs nothing but Node, `broker` a real Kafka and registry, `kernel` a guest kernel with BPF-LSM, `kube`
 * a real API server, `peer` programs that are not ours to compare with. Broker and kernel run on whatever else the machine does
 * and may be late once, so those two try a failed test again, and say so; the others get no second chance.
 */
export default defineConfig({
  test: {
    // What is waited for usually comes at once; only a failure waits this long.
    expect: { poll: { timeout: 20_000 } },
    // By itself vitest leaves a processor free, which is half of a machine of two.
    maxWorkers: '100%',
    projects: [
      { extends: true, test: { name: 'unit', include: beside('test'), exclude: real, testTimeout: 60_000 } },
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
          name: 'kube',
          include: beside('kube.test'),
          globalSetup: 'infra/kube/global-setup.ts',
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: { name: 'peer', include: beside('peer.test'), testTimeout: 120_000, hookTimeout: 120_000 },
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
