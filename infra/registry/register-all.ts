import { type SchemaRegistry, subjects } from '#schemas';

export interface RegisteredSubject {
  readonly subject: string;
  readonly schemaId: number;
}

/**
 * Makes the registry hold the current schema of every topic of a tenant, each under its compatibility. Idempotent.
 * Errors: those of `register`; what was registered before the failure stays.
 */
export async function registerAll(
  registry: SchemaRegistry,
  tenant: string,
): Promise<readonly RegisteredSubject[]> {
  const registered: RegisteredSubject[] = [];
  for (const { subject, schema, compatibility } of subjects(tenant)) {
    registered.push({ subject, schemaId: await registry.register({ subject, schema, compatibility }) });
  }
  return registered;
}
