import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { versions } from './versions.ts';

interface Service {
  readonly image: string;
  readonly ports: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly volumes?: readonly string[];
  readonly configs?: readonly { readonly source: string }[];
  readonly depends_on?: Record<string, { readonly condition: string }>;
}

interface ComposeFile {
  readonly services: Record<string, Service>;
  readonly volumes: object;
  readonly configs: object;
}

const compose = parse(
  readFileSync(join(import.meta.dirname, '..', '..', 'docker-compose.kafka.yml'), 'utf8'),
) as ComposeFile;
const pom = readFileSync(join(import.meta.dirname, 'kafka', 'pom.xml'), 'utf8');

test('Maven and Docker bring the same versions', () => {
  expect(
    Object.fromEntries(Object.entries(compose.services).map(([name, { image }]) => [name, image])),
  ).toEqual({
    broker: `apache/kafka:${versions.kafka}`,
    connect: `apache/kafka:${versions.kafka}`,
    registry: `apicurio/apicurio-registry:${versions.registry}`,
    redis: `redis:${versions.redis}`,
  });
  expect(pom).toContain(`<kafka.version>${versions.kafka}</kafka.version>`);
  expect(pom).toContain(`<log4j.version>${versions.log4j}</log4j.version>`);
});

test('every container is on loopback only and says whether it is healthy', () => {
  for (const [name, service] of Object.entries(compose.services)) {
    expect(service.ports, name).not.toEqual([]);
    for (const port of service.ports)
      expect(port, name).toMatch(/^127\.0\.0\.1:\$\{SLUICE_[A-Z]+_PORT:-\d+\}:\d+$/);
    expect(service.healthcheck?.test.length, name).toBeGreaterThan(1);
  }
});

test('what a container refers to is in the file', () => {
  for (const service of Object.values(compose.services)) {
    for (const dependency of Object.keys(service.depends_on ?? {}))
      expect(compose.services).toHaveProperty(dependency);
    for (const volume of service.volumes ?? [])
      expect(compose.volumes).toHaveProperty([volume.split(':')[0] ?? '']);
    for (const { source } of service.configs ?? []) expect(compose.configs).toHaveProperty([source]);
  }
});
