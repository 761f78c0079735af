/** Fields of Kubernetes objects: what has not the type it should have counts as absent. */

export type Fields = Readonly<Record<string, unknown>>;

export function keyOf(object: Fields): string {
  return `${textOf(object.kind)}/${namespaceOf(object)}/${textOf(fieldsOf(object.metadata).name)}`;
}

export function namespaceOf(object: Fields): string {
  return textOf(fieldsOf(object.metadata).namespace) || 'default';
}

export function labelsOf(object: Fields): Record<string, string> {
  return textsOf(fieldsOf(object.metadata).labels);
}

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(textOf) : [];
}

export function textsOf(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(fieldsOf(value)).map(([key, each]) => [key, textOf(each)]));
}

export function textOf(value: unknown): string {
  return value === null || value === undefined ? '' : String(value);
}

export function timeUs(value: unknown): number | undefined {
  const ms = Date.parse(textOf(value));
  return Number.isNaN(ms) ? undefined : ms * 1000;
}
