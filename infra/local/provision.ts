import { kafkaClient } from '#kafka';
import { ccompatRegistry, registerAll } from '#registry';
import { topicSpecs } from '#schemas';
import type { Stack } from './stack.ts';

export interface Provisioned {
  /** Topics that were not there before. */
  readonly topicsCreated: readonly string[];
  /** Subjects the registry holds for the tenant now. */
  readonly subjects: number;
}

/** Gives a stack a tenant's topics and schemas. Idempotent. Errors: those of the broker and the registry. */
export async function provisionTenant(
  { bootstrapServers, registryUrl }: Pick<Stack, 'bootstrapServers' | 'registryUrl'>,
  tenant: string,
): Promise<Provisioned> {
  const client = kafkaClient({ bootstrapServers, clientId: 'sluice-provision' });
  try {
    const registered = registerAll(ccompatRegistry({ url: registryUrl }), tenant);
    const created = client.admin().then(admin => admin.createTopics(topicSpecs(tenant)));
    const [subjects, topicsCreated] = await Promise.all([registered, created]);
    return { topicsCreated, subjects: subjects.length };
  } finally {
    await client.close();
  }
}

/** How many topics of the catalogue's making the broker holds: internal ones do not count. Errors: those of the broker. */
export async function countTopics(bootstrapServers: string): Promise<number> {
  const client = kafkaClient({ bootstrapServers, clientId: 'sluice-status', deliveryTimeoutMs: 5_000 });
  try {
    const topics = await (await client.admin()).listTopics();
    return topics.filter(topic => !topic.startsWith('__')).length;
  } finally {
    await client.close();
  }
}
