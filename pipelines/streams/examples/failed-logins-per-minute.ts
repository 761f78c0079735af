import { filter } from 'rxjs';
import { jsonSerde, textSerde } from '#schemas';
import { named, to, topology, tumblingWindows, windowedCount, windowedSerde, windowStore } from '#streams';

interface Login {
  readonly user: string;
  readonly succeeded: boolean;
}

/** How often each user failed to log in, once per minute: `logins` (by user) → `failures`. */
export const failedLoginsPerMinute = topology('failed-logins-per-minute', b => {
  const counts = windowStore({ name: 'counts', key: textSerde, value: jsonSerde<number>() });

  b.source('logins', { key: textSerde, value: jsonSerde<Login>() }).pipe(
    named(
      'failed',
      filter(({ value }) => !value.succeeded),
    ),
    windowedCount({
      windows: tumblingWindows({ sizeMs: 60_000, graceMs: 5_000 }),
      store: counts,
      emit: 'final',
    }),
    to('failures', { key: windowedSerde(textSerde, 60_000), value: jsonSerde<number>() }),
  );
});
