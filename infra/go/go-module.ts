/** Files that a Go module brings, besides its code. */

import { go } from './go-command.ts';

/** Where the version that `folder`'s go.mod requires lies, downloaded if need be. Errors: UNREACHABLE. */
export async function goModule(folder: string, module: string): Promise<{ path: string; version: string }> {
  const said: unknown = JSON.parse(await go(folder, ['mod', 'download', '-json', module]));
  const { Dir, Version } = said as { readonly Dir: string; readonly Version: string };
  return { path: Dir, version: Version };
}
