import { filter } from 'rxjs';
import { type Serde, textSerde } from '#schemas';
import { named, to, topology, tumblingWindows, windowedCount, windowedSerde, windowStore } from '#streams';

interface Login {
  readonly user: string;
  readonly succeeded: boolean;
}

const json = <T>(): Serde<T> => ({
  serialize: value => Buffer.from(JSON.stringify(value)),
  deserialize: bytes => JSON.parse(bytes.toString()),
});

/** How often each user failed to log in, once per minute: `logins` (by user) → `failures`. */
export const failedLoginsPerMinute = topology('failed-logins-per-minute', b => {
  const counts = windowStore({ name: 'counts', key: textSerde, value: json<number>() });

  b.source('logins', { key: textSerde, value: json<Login>() }).pipe(
    named(
      'failed',
      filter(({ value }) => !value.succeeded),
    ),
    windowedCount({
      windows: tumblingWindows({ sizeMs: 60_000, graceMs: 5_000 }),
      store: counts,
      emit: 'final',
    }),
    to('failures', { key: windowedSerde(textSerde, 60_000), value: json<number>() }),
  );
});
