import { jsonSerde, textSerde } from '#schemas';
import { count, joinTable, keyValueStore, selectKey, to, topology, versionedStore } from '#streams';

interface Connection {
  readonly port: number;
}

/**
 * How often each workload connected: `connections` (by address), `owners` (address → workload, as it changes) → `counts`.
 * An address is whose it was when the connection was made, though another pod may have it by now.
 */
export const connectionsByOwner = topology('connections-by-owner', b => {
  const text = { key: textSerde, value: textSerde };
  const owners = b.table('owners', {
    ...text,
    store: versionedStore({ name: 'owners', ...text, historyMs: 3_600_000 }),
  });
  const counts = { key: textSerde, value: jsonSerde<number>() };

  b.source('connections', { key: textSerde, value: jsonSerde<Connection>() }).pipe(
    joinTable(owners, {
      join: ({ port }, workload) => `${workload} to port ${port}`,
      wait: { graceMs: 1_000, name: 'waiting', key: textSerde, value: jsonSerde<Connection>() },
    }),
    selectKey(({ value }) => value),
    count({ store: keyValueStore({ name: 'counts', ...counts }), repartition: { value: textSerde } }),
    to('counts', counts),
  );
});
