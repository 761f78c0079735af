import { filter, map } from 'rxjs';
import { jsonSerde, textSerde } from '#schemas';
import { aggregate, keyValueStore, type StreamRecord, to, topology } from '#streams';

interface Login {
  readonly user: string;
  readonly succeeded: boolean;
}

interface Failures {
  readonly inARow: number;
  readonly sinceMs: number;
}

/** Users who failed to log in three times in a row: `logins` (by user) → `suspects`. */
export const failedLogins = topology('failed-logins', b => {
  const failures = keyValueStore({ name: 'failures', key: textSerde, value: jsonSerde<Failures>() });

  b.source('logins', { key: textSerde, value: jsonSerde<Login>() }).pipe(
    aggregate({
      store: failures,
      initial: () => ({ inARow: 0, sinceMs: 0 }),
      add: ({ inARow, sinceMs }, { value, timestampMs }: StreamRecord<string, Login>) =>
        value.succeeded ? null : { inARow: inARow + 1, sinceMs: inARow === 0 ? timestampMs : sinceMs },
    }),
    filter(record => record.value?.inARow === 3),
    map(record => ({ ...record, value: `three times since ${record.value?.sinceMs}` })),
    to('suspects', { key: textSerde, value: textSerde }),
  );
});
