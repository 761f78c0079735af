import { join } from 'node:path';
import { fetchArtifacts } from './artifacts.ts';
import { type GuestListener, planBroker } from './broker.ts';
import { chooseJdk, findJdks } from './jdk.ts';
import { planRedis } from './redis.ts';
import { fetchRedis } from './redis-package.ts';
import { planRegistry } from './registry.ts';
import type { ServicePlan } from './service.ts';
import { requiredJava } from './versions.ts';

export interface StackPorts {
  readonly broker: number;
  readonly controller: number;
  readonly registry: number;
  readonly redis: number;
}

export interface ServicesSetup {
  /** Configuration, data and logs go here. */
  readonly folder: string;
  readonly ports: StackPorts;
  readonly guestListener?: GuestListener | undefined;
  /** Whether Redis is one of them: jobs alone need it. */
  readonly redis: boolean;
  readonly durable: boolean;
  readonly report: (line: string) => void;
}

export const logsOf = (folder: string) => ({
  broker: join(folder, 'logs', 'broker.log'),
  registry: join(folder, 'logs', 'registry.log'),
  redis: join(folder, 'logs', 'redis.log'),
});

/** What to run, with its programs fetched. Errors: UNREACHABLE when a JDK, Maven or the network is missing. */
export async function planServices(
  setup: ServicesSetup,
): Promise<readonly [ServicePlan, ServicePlan, ...ServicePlan[]]> {
  const { folder, ports, guestListener, redis, durable, report } = setup;
  const jdks = await findJdks();
  // The registry first: a machine that can run only the broker should hear it before anything is fetched.
  const registryJdk = chooseJdk(jdks, { part: 'schema registry', version: requiredJava.registry });
  const brokerJdk = chooseJdk(jdks, { part: 'broker', version: requiredJava.broker });
  const { kafkaJars, registryApp } = await fetchArtifacts({ report });
  const logs = logsOf(folder);
  const program = redis ? await fetchRedis({ report }) : undefined;
  return [
    planBroker({
      java: brokerJdk.java,
      jars: kafkaJars,
      folder: join(folder, 'broker'),
      logFile: logs.broker,
      port: ports.broker,
      controllerPort: ports.controller,
      guestListener,
    }),
    planRegistry({
      java: registryJdk.java,
      app: registryApp,
      folder: join(folder, 'registry'),
      logFile: logs.registry,
      port: ports.registry,
      durable,
    }),
    ...(program
      ? [planRedis({ program, folder: join(folder, 'redis'), logFile: logs.redis, port: ports.redis })]
      : []),
  ];
}
