/** `node schemas/golden.ts`: golden bytes for every schema that has none yet. Those that exist are never rewritten. */

import { addGolden } from './golden-files.ts';

for (const name of addGolden()) console.error(`schemas/golden/${name} is new: commit it with the schema`);
