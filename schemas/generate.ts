/**
 * `node schemas/generate.ts` writes schemas/generated from schemas/avro; with `--check` it writes nothing and
 * exits 1 naming every file that differs.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { readDefinitions } from './generation/definitions.ts';
import { defaultsModule, schemasModule, typesModule } from './generation/typescript.ts';

const folder = join(import.meta.dirname, 'generated');

function current(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function main(check: boolean): number {
  const definitions = readDefinitions(join(import.meta.dirname, 'avro'));
  const modules = {
    'types.ts': typesModule(definitions),
    'defaults.ts': defaultsModule(definitions),
    'schemas.ts': schemasModule(definitions),
  };
  mkdirSync(folder, { recursive: true });
  let differing = 0;
  for (const [name, text] of Object.entries(modules)) {
    const path = join(folder, name);
    if (current(path) === text) continue;
    differing++;
    if (check)
      console.error(`${relative(process.cwd(), path)} differs from schemas/avro: run \`make generate\``);
    else writeFileSync(path, text);
  }
  return check && differing > 0 ? 1 : 0;
}

process.exitCode = main(process.argv.includes('--check'));
