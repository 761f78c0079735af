/** What can be set about what policies say: the same keys for the discovery process and for `sluice discover`. */

import { z } from 'zod';
import { type PolicyOptions, policyDefaults } from './make-policy.ts';

const { http, names, paths, ...flags } = policyDefaults;
const count = z.coerce.number().int().nonnegative();
const flag = z.union([z.boolean(), z.stringbool()]);

export const policySettings = {
  widen: flag.default(flags.widen),
  capabilities: flag.default(flags.capabilities),
  fromSource: flag.default(flags.fromSource),
  identifiersFrom: count.positive().default(http.identifiersFrom),
  wordsFrom: count.positive().default(http.wordsFrom),
  dnsNamesFrom: count.positive().default(names.namesFrom),
  hexFrom: count.positive().default(paths.hexFrom),
  digitsFrom: count.positive().default(paths.digitsFrom),
  /** From how many names a directory is one rule, by what it is for; 0: never. */
  scratchNamesFrom: count.default(paths.namesFrom.scratch),
  dataNamesFrom: count.default(paths.namesFrom.data),
  programNamesFrom: count.default(paths.namesFrom.programs),
  patterns: flag.default(paths.patterns),
  /** Comma-separated, or a list: further paths, and directories ending in a slash. */
  sensitivePaths: z
    .union([z.array(z.string()), z.string().transform(list => list.split(',').map(path => path.trim()))])
    .default([])
    .transform(list => list.filter(path => path !== ''))
    .pipe(z.array(z.string().startsWith('/', 'must begin with /'))),
};

export type PolicySettings = z.infer<z.ZodObject<typeof policySettings>>;

export function policyOptionsOf(settings: PolicySettings): PolicyOptions {
  const { widen, capabilities, fromSource, identifiersFrom, wordsFrom, hexFrom, digitsFrom } = settings;
  return {
    ...{ widen, capabilities, fromSource },
    http: { identifiersFrom, wordsFrom },
    names: { namesFrom: settings.dnsNamesFrom },
    paths: {
      ...{ hexFrom, digitsFrom, patterns: settings.patterns, sensitive: settings.sensitivePaths },
      namesFrom: {
        scratch: settings.scratchNamesFrom,
        data: settings.dataNamesFrom,
        programs: settings.programNamesFrom,
      },
    },
  };
}
