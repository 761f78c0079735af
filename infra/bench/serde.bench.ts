import { type FileEvent, openSerdes, type Serdes, schemas, withDefaults } from '#schemas';
import { ccompatRegistry } from '../registry/ccompat-registry.ts';
import { type StockClient, stockClient } from '../registry/stock-baseline.ts';
import { type StubRegistry, stubRegistry } from '../registry/stub-registry.ts';

/**
 * Records per second of our serde, the stock registry client and JSON, on one file event, in turn; medians of rounds.
 * "evolved" is a writer that lacks the verdict field, so that reading it takes a resolver.
 * Usage: node infra/bench/serde.bench.ts
 */
const rounds = 5;
const roundMs = 250;

const event: FileEvent = withDefaults('FileEvent', {
  origin: {
    cluster: 'production-eu',
    node: 'worker-17',
    agent: 'enforcer',
    bootId: '5f0c7a9e-8a53-4c41-9d64-0d1f1f6f5d1c',
    sequence: 1_234_567,
  },
  time: 1_764_000_000_123_456,
  container: withDefaults('Container', {
    id: 'b4c1f0d7a2e95c3d8f60718293a4b5c6d7e8f901a2b3c4d5e6f708192a3b4c5d',
    name: 'web',
    image: 'registry.example/shop/web:4.2.0',
    namespace: 'shop',
    pod: 'web-7d9c5b6f4-x2x9k',
    podUid: '0f6b3c1e-9a55-4b9b-8a37-2f1f0c5d7e11',
    workloadKind: 'Deployment',
    workload: 'web',
  }),
  process: withDefaults('Process', {
    pid: 4_711,
    parentPid: 4_700,
    uid: 101,
    gid: 101,
    executable: '/usr/sbin/nginx',
    comm: 'nginx',
  }),
  file: {
    operation: 'OPEN',
    path: '/usr/share/nginx/html/index.html',
    targetPath: '',
    read: true,
    write: false,
  },
});

type Run = () => unknown;

/** Keeps what was computed reachable, so that nothing is optimised away. */
let sink: unknown;

async function rate(run: Run, isAsync: boolean): Promise<number> {
  let done = 0;
  const start = performance.now();
  let tookMs = 0;
  while (tookMs < roundMs) {
    for (let i = 0; i < 50; i++) sink = isAsync ? await run() : run();
    done += 50;
    tookMs = performance.now() - start;
  }
  return (done / tookMs) * 1000;
}

interface Parts {
  readonly stub: StubRegistry;
  readonly stock: StockClient;
  readonly serdes: Serdes;
}

async function contestants({
  stub,
  stock,
  serdes,
}: Parts): Promise<Record<string, { run: Run; isAsync: boolean }>> {
  const topic = 'events.file.v1';
  const serde = serdes.of(topic);
  const id = serdes.schemaId(topic);
  const bytes = serde.serialize(event);
  const json = Buffer.from(JSON.stringify(event));

  const older = JSON.parse(schemas.FileEvent.json);
  older.fields.pop();
  const olderId = stub.hold('older', JSON.stringify(older));
  const evolved = await stock.encode(olderId, event);
  await serdes.prepareFor([evolved]);

  const ours = (run: Run) => ({ run, isAsync: false });
  const theirs = (run: Run) => ({ run, isAsync: true });
  return {
    'write sluice': ours(() => serde.serialize(event)),
    'write stock': theirs(() => stock.encode(id, event)),
    'write json': ours(() => Buffer.from(JSON.stringify(event))),
    'read sluice': ours(() => serde.deserialize(bytes)),
    'read stock': theirs(() => stock.decode(bytes)),
    'read json': ours(() => JSON.parse(json.toString())),
    'read evolved sluice': ours(() => serde.deserialize(evolved)),
    'read evolved stock': theirs(() => stock.decodeAs(evolved, schemas.FileEvent.json)),
  };
}

const stub = await stubRegistry();
const stock = stockClient(stub.url);
const serdes = await openSerdes({
  registry: ccompatRegistry({ url: stub.url }),
  tenant: 'bench',
  topics: ['events.file.v1'],
});
const all = await contestants({ stub, stock, serdes });
const rates: Record<string, number[]> = {};
for (let round = 0; round <= rounds; round++) {
  for (const [name, { run, isAsync }] of Object.entries(all)) {
    const measured = await rate(run, isAsync);
    // The first round warms up.
    if (round > 0) rates[name] = [...(rates[name] ?? []), measured];
  }
}
await stub.close();

const median = (name: string) => rates[name]!.sort((a, b) => a - b)[Math.floor(rounds / 2)]!;
for (const name of Object.keys(all)) {
  console.log(`${name.padEnd(20)} ${Math.round(median(name)).toLocaleString('en').padStart(10)} records/s`);
}
const ratio = (a: string, b: string) => Number((median(a) / median(b)).toFixed(2));
const ratios = {
  writeOverStock: ratio('write sluice', 'write stock'),
  writeOverJson: ratio('write sluice', 'write json'),
  readOverStock: ratio('read sluice', 'read stock'),
  readOverJson: ratio('read sluice', 'read json'),
  readEvolvedOverStock: ratio('read evolved sluice', 'read evolved stock'),
};
for (const [name, value] of Object.entries(ratios))
  console.log(`${name.padEnd(20)} ${value.toFixed(2).padStart(10)} x`);
const sizes = {
  avroBytes: serdes.of('events.file.v1').serialize(event).length,
  jsonBytes: JSON.stringify(event).length,
};
console.log(
  JSON.stringify({
    bench: 'serde',
    writePerSecond: Math.round(median('write sluice')),
    readPerSecond: Math.round(median('read sluice')),
    ...ratios,
    ...sizes,
    kept: sink !== undefined,
  }),
);
