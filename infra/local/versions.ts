/**
 * The versions of everything the local stack runs, whichever way it runs it. The only place that names them in code:
 * a test holds kafka/pom.xml and docker-compose.kafka.yml to it.
 */
export const versions = {
  kafka: '4.3.1',
  registry: '3.3.3',
  redis: '8.2.3',
  /** What Kafka's tools log through. */
  log4j: '2.25.4',
} as const;

/** Lowest Java a part runs on. */
export const requiredJava = { broker: 17, registry: 21 } as const;
