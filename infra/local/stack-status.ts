import { resolve } from 'node:path';
import { brokerAnswers, redisAnswers, registryAnswers } from './answers.ts';
import { runningServices, serviceNames } from './checkout-stack.ts';
import { logsOf } from './plan.ts';
import { loopback } from './ports.ts';
import { redisUrl } from './redis.ts';
import { registryUrl } from './registry.ts';
import type { ServiceName } from './service.ts';
import { defaultPorts, stackFolder } from './stack-place.ts';
import { readState } from './state.ts';
import { versions } from './versions.ts';

export interface ServiceStatus {
  readonly name: ServiceName;
  /** up: answers. silent: runs, but does not answer (yet). down: does not run. */
  readonly state: 'up' | 'silent' | 'down';
  /** `127.0.0.1:9092`, or the registry's URL. */
  readonly address: string;
  readonly version: string;
  /** Null when it does not run, or an engine minds it. */
  readonly pid: number | null;
  /** Null when an engine keeps it. */
  readonly log: string | null;
}

export interface StackStatus {
  /** Null when nothing was started from the folder. */
  readonly engine: 'jvm' | 'docker' | null;
  readonly services: readonly ServiceStatus[];
}

/** How the checkout's stack is, without changing anything. Errors: CONFIG_INVALID when its state file is damaged. */
export async function stackStatus(place: string = stackFolder): Promise<StackStatus> {
  const folder = resolve(place);
  const state = await readState(folder);
  const ports = state?.ports ?? defaultPorts;
  const running = await runningServices(state);
  const urls = {
    broker: `${loopback}:${ports.broker}`,
    registry: registryUrl(ports.registry),
    redis: redisUrl(ports.redis),
  };
  const ask = {
    broker: () => brokerAnswers(ports.broker),
    registry: () => registryAnswers(urls.registry),
    redis: () => redisAnswers(ports.redis),
  };
  const minded = state?.engine === 'docker';
  const version = {
    broker: state?.versions.kafka ?? versions.kafka,
    registry: state?.versions.registry ?? versions.registry,
    redis: minded ? versions.redis : "Debian's",
  };
  const mine = serviceNames.filter(name => name !== 'redis' || state?.redis);
  const services = await Promise.all(
    mine.map(async (name): Promise<ServiceStatus> => {
      const runs = running.includes(name);
      // What answers on the port of a service that does not run is somebody else's.
      const answers = (runs || minded) && (await ask[name]());
      const silent = runs ? 'silent' : 'down';
      return {
        name,
        state: answers ? 'up' : silent,
        address: urls[name],
        version: version[name],
        pid: (runs && state?.services[name]?.pid) || null,
        log: minded ? null : logsOf(folder)[name],
      };
    }),
  );
  return { engine: state?.engine ?? null, services };
}
