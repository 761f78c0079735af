/** Builds the containers' image (`node infra/loop/containers/build.ts`); at once when it is there. */

import { stat } from 'node:fs/promises';
import process from 'node:process';
import { classify } from '#errors';
import { buildImage, imagePath } from './image.ts';

try {
  process.stderr.write(`containers: image ${imagePath()}\n`);
  const begin = performance.now();
  if (await buildImage()) {
    const { size } = await stat(imagePath());
    const seconds = (performance.now() - begin) / 1000;
    process.stderr.write(
      `containers: built ${Math.round(size / (1 << 20))} MiB in ${seconds.toFixed(1)} s\n`,
    );
  }
} catch (error) {
  process.stderr.write(`containers: ${classify(error).message}\n`);
  process.exitCode = 1;
}
