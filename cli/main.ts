#!/usr/bin/env node
/**
 * Starts the `sluice` command (program.ts).
 *
 * What Node compiled is kept in the system's folder for temporary files and found again by content: the next command starts in
 * half the time. Where it cannot be kept, the command starts as without.
 */

import { enableCompileCache } from 'node:module';

enableCompileCache();
await import('./program.ts');
