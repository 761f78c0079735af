import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSerdes } from '#schemas';
import { ccompatRegistry } from './ccompat-registry.ts';
import { registerAll } from './register-all.ts';
import { type StubRegistry, stubRegistry } from './stub-registry.ts';

let stub: StubRegistry;
beforeEach(async () => {
  stub = await stubRegistry();
});
afterEach(() => stub.close());

const open = (url = stub.url) => ccompatRegistry({ url, attempts: 3, backoffMs: 1, timeoutMs: 200 });
const registration = {
  subject: 't.alerts.v1-value',
  schema: '"string"',
  compatibility: 'FULL_TRANSITIVE',
} as const;

test('compatibility is set before the first version is registered', async () => {
  expect(await open().register(registration)).toBe(1);
  expect(stub.requests).toEqual([
    'GET /config/t.alerts.v1-value',
    'PUT /config/t.alerts.v1-value',
    'POST /subjects/t.alerts.v1-value',
    'POST /subjects/t.alerts.v1-value/versions',
  ]);
});

test('what is there already is looked up, not registered again', async () => {
  const id = await open().register(registration);
  stub.hold(registration.subject, '"bytes"');
  const before = stub.requests.length;
  expect(await open().register(registration)).toBe(id);
  expect(stub.requests.slice(before)).toEqual([
    'GET /config/t.alerts.v1-value',
    'POST /subjects/t.alerts.v1-value',
  ]);
});

test('a subject whose compatibility someone loosened gets its own back', async () => {
  await open().register({ ...registration, compatibility: 'BACKWARD_TRANSITIVE' });
  await open().register(registration);
  expect(await open().compatibilityOf(registration.subject)).toBe('FULL_TRANSITIVE');
});

test('registering everything is idempotent and gives each topic its subject', async () => {
  const first = await registerAll(open(), 'default');
  const writes = () => stub.requests.filter(request => /PUT|versions/.test(request)).length;
  const before = writes();
  expect(await registerAll(open(), 'default')).toEqual(first);
  expect(writes()).toBe(before);
  expect((await open().subjects()).length).toBe(first.length);
  expect(first.map(entry => entry.subject)).toContain('default.policies.v1-value');
});

test('a schema id nobody registered is unknown; an address that is no registry is refused', async () => {
  await expect(open().schemaById(77)).rejects.toMatchObject({ code: 'SCHEMA_UNKNOWN' });
  stub.failNext({ status: 404, body: '<html>not here</html>' });
  await expect(open().schemaById(77)).rejects.toMatchObject({
    code: 'REGISTRY_REFUSED',
    message: expect.stringContaining('not here'),
  });
});

test('a refusal carries the words of the registry and is not tried again', async () => {
  stub.failNext({ status: 409, body: '{"error_code":409,"message":"b was added without a default"}' });
  await expect(open().register(registration)).rejects.toMatchObject({
    code: 'REGISTRY_REFUSED',
    message: expect.stringContaining('b was added without a default'),
  });
  expect(stub.requests.length).toBe(1);
});

test('a registry that stumbles is asked again', async () => {
  stub.failNext({ status: 503, body: '' }, { status: 429, body: '{}' });
  expect(await open().register(registration)).toBe(1);
});

test('a registry that keeps failing, does not listen or never answers is unreachable', async () => {
  const unreachable = { code: 'REGISTRY_UNREACHABLE', reaction: 'retry' };
  stub.failNext(...Array.from({ length: 3 }, () => ({ status: 500, body: '{"message":"no database"}' })));
  await expect(open().subjects()).rejects.toMatchObject({
    ...unreachable,
    message: expect.stringContaining('no database'),
  });

  const { url } = stub;
  await stub.close();
  await expect(open(url).subjects()).rejects.toMatchObject({
    ...unreachable,
    message: expect.stringContaining('ECONNREFUSED'),
  });

  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await new Promise(resolve => silent.once('listening', resolve));
  const { port } = silent.address() as { port: number };
  await expect(open(`http://127.0.0.1:${port}`).subjects()).rejects.toMatchObject(unreachable);
  silent.close();
});

test('a record of an unknown schema costs one request, not one per record', async () => {
  const serdes = await openSerdes({ registry: open(), tenant: 'default', topics: ['alerts.v1'] });
  const stranger = Buffer.from([0, 0, 0, 3, 231, 2]);
  const before = stub.requests.length;
  await serdes.prepareFor(Array.from({ length: 50 }, () => stranger));
  for (let i = 0; i < 50; i++) {
    expect(() => serdes.of('alerts.v1').deserialize(stranger)).toThrow(
      expect.objectContaining({ code: 'SCHEMA_UNKNOWN', schemaId: 999 }),
    );
  }
  expect(serdes.prepareFor([stranger, null, Buffer.of(1)])).toBeUndefined();
  expect(stub.requests.slice(before)).toEqual(['GET /schemas/ids/999']);
});
