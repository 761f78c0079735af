import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { registryAnswers } from './answers.ts';
import { loopback } from './ports.ts';
import type { ServicePlan } from './service.ts';

export interface RegistrySetup {
  readonly java: string;
  /** Folder of the application. */
  readonly app: string;
  /** Its own folder: data and temporary files. */
  readonly folder: string;
  readonly logFile: string;
  readonly port: number;
  /** Whether schemas and their ids outlive the process. */
  readonly durable: boolean;
}

export function registryUrl(port: number, host: string = loopback): string {
  return `http://${host}:${port}/apis/ccompat/v7`;
}

/** Apicurio with its database inside, on loopback only. */
export function planRegistry({ java, app, folder, logFile, port, durable }: RegistrySetup): ServicePlan {
  const properties = {
    'quarkus.http.host': loopback,
    'quarkus.http.port': port,
    'quarkus.http.access-log.enabled': false,
    'quarkus.management.host': loopback,
    // Any free one: nothing here asks it.
    'quarkus.management.port': 0,
    'apicurio.datasource.url': durable ? 'jdbc:h2:file:./data/registry' : 'jdbc:h2:mem:registry',
    'apicurio.datasource.jdbc.initial-size': 2,
    'apicurio.datasource.jdbc.min-size': 2,
    'apicurio.datasource.jdbc.max-size': 10,
    'java.io.tmpdir': join(folder, 'tmp'),
  };
  return {
    name: 'registry',
    program: java,
    args: [
      '-Xms64m',
      '-Xmx256m',
      '-XX:+UseSerialGC',
      ...Object.entries(properties).map(([key, value]) => `-D${key}=${value}`),
      '-jar',
      join(app, 'quarkus-run.jar'),
    ],
    cwd: folder,
    logFile,
    prepare: async () => {
      await mkdir(join(folder, 'tmp'), { recursive: true });
    },
    answers: () => registryAnswers(registryUrl(port)),
  };
}
