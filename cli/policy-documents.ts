/** Policy documents on standard output, or as files. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { stringify } from 'yaml';
import type { Policy } from '#schemas';

export type DocumentForm = 'yaml' | 'json';

/** Prints them, or with `folder` writes one file a document. */
export function putDocuments(
  policies: readonly Policy[],
  { folder, form }: { readonly folder: string | undefined; readonly form: DocumentForm },
): void {
  const documents = policies.flatMap(documentsOf);
  if (folder !== undefined) writeDocuments(documents, { folder, form });
  else if (documents.length > 0) process.stdout.write(printed(documents, form));
}

interface Document {
  readonly name: string;
  readonly object: unknown;
}

function documentsOf({ documents }: Policy): Document[] {
  return documents.map(({ kind, name, content }) => ({
    name: `${kind}-${name}`,
    object: JSON.parse(content),
  }));
}

function printed(documents: readonly Document[], form: DocumentForm): string {
  if (form === 'json')
    return `${JSON.stringify(
      documents.map(({ object }) => object),
      null,
      2,
    )}\n`;
  return documents.map(({ object }) => toYaml(object)).join('---\n');
}

function toYaml(object: unknown): string {
  return stringify(object, { lineWidth: 0, aliasDuplicateObjects: false });
}

function writeDocuments(
  documents: readonly Document[],
  { folder, form }: { readonly folder: string; readonly form: DocumentForm },
): void {
  mkdirSync(folder, { recursive: true });
  for (const { name, object } of documents) {
    const text = form === 'json' ? `${JSON.stringify(object, null, 2)}\n` : toYaml(object);
    writeFileSync(join(folder, `${name}.${form}`), text);
  }
  process.stderr.write(`${documents.length} documents written to ${folder}\n`);
}
