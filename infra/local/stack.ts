import type { GuestListener } from './broker.ts';
import { logsOf, type StackPorts } from './plan.ts';
import { loopback } from './ports.ts';
import { redisUrl } from './redis.ts';
import { registryUrl } from './registry.ts';

/** A broker and a registry that answer. */
export interface Stack {
  /** `127.0.0.1:9092` */
  readonly bootstrapServers: string;
  /** Base of the Confluent-compatible API: `http://127.0.0.1:8081/apis/ccompat/v7`. */
  readonly registryUrl: string;
  /** The same two as a guest reaches them; undefined without a guest listener. */
  readonly guest: { readonly bootstrapServers: string; readonly registryUrl: string } | undefined;
  /** Paths of the log files. */
  readonly logs: { readonly broker: string; readonly registry: string; readonly redis: string };
  /** `redis://127.0.0.1:6379`; undefined: it has none. */
  readonly redisUrl: string | undefined;
  /** True when it ran already. */
  readonly adopted: boolean;
  /** Ends it, also when it was adopted. Idempotent. */
  stop(): Promise<void>;
}

export interface StackPlace {
  readonly folder: string;
  readonly ports: StackPorts;
  readonly guestListener?: GuestListener | undefined;
  readonly redis: boolean;
}

export function describeStack({
  folder,
  ports,
  guestListener,
  redis,
}: StackPlace): Omit<Stack, 'adopted' | 'stop'> {
  return {
    bootstrapServers: `${loopback}:${ports.broker}`,
    registryUrl: registryUrl(ports.registry),
    guest: guestListener && {
      bootstrapServers: `${guestListener.advertisedHost}:${guestListener.port}`,
      registryUrl: registryUrl(ports.registry, guestListener.advertisedHost),
    },
    logs: logsOf(folder),
    redisUrl: redis ? redisUrl(ports.redis) : undefined,
  };
}
