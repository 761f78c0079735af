/** Where a system was wrong, as text: for whoever wants to mend it. */

import { type Activity, isPod, type Party } from './activity.ts';
import { workloadKey } from './application.ts';
import type { Questions } from './figures.ts';
import { Judge } from './judge.ts';
import type { Written } from './system.ts';

/** Each kind of mistake once, with how often it was made, in order. */
export function misses({ policies }: Written, { heldOut, attacks, universe }: Questions): string[] {
  const judge = new Judge(policies);
  const denied = heldOut.filter(each => !judge.admits(each)).map(each => `denies ${each.behaviour}`);
  const unmeant = universe
    .filter(({ activity, isMeant }) => !isMeant && judge.admits(activity))
    .map(({ activity }) => `admits ${textOf(activity)}`);
  const passed = attacks
    .filter(each => judge.admits(each))
    .map(each => `lets pass ${each.behaviour}: ${textOf(each)}`);
  const counted = Map.groupBy([...denied, ...unmeant, ...passed], text => text);
  return [...counted].map(([text, { length }]) => `${text} (${length})`);
}

function textOf({ client, server, transport, port, request, question, names }: Activity): string {
  const said = request ? ` ${request.method} ${request.path}` : question ? ` asks for ${question.name}` : '';
  return `${nameOf(client)} to ${names[0] ?? nameOf(server)} ${transport} ${port}${said}`;
}

function nameOf(party: Party): string {
  return isPod(party) ? workloadKey(party.workload) : party.address;
}
