import type { Subscription } from './claims.ts';

type Standbys = Map<Subscription, Set<number>>;

/**
 * Which members keep a copy of which partitions (numbers), given who holds them.
 *
 * Never the holder; as even as that allows; where a partition is at hand already, so far as it stays even; and those of one
 * holder at different members, so that its load is shared when it fails.
 */
export function placeStandbys(
  owners: readonly Subscription[],
  members: readonly Subscription[],
): ReadonlyMap<Subscription, ReadonlySet<number>> {
  const wanted = Math.max(...members.map(member => member.standbys));
  const hosts = members.filter(member => member.standbys > 0);
  const placed: Standbys = new Map(hosts.map(host => [host, new Set()]));
  const eligible = (number: number) => hosts.filter(host => host !== owners[number]);
  const missing = owners.map((_, number) => Math.min(wanted, eligible(number).length));
  const fairShare = Math.ceil(missing.reduce((sum, each) => sum + each, 0) / hosts.length);
  const load = (host: Subscription) => placed.get(host)!.size;
  const give = (number: number, host: Subscription) => {
    placed.get(host)!.add(number);
    missing[number]! -= 1;
  };
  for (const number of owners.keys()) {
    const warm = eligible(number).filter(host => host.warm.includes(number) || host.owned.includes(number));
    for (const host of warm.sort((a, b) => load(a) - load(b))) {
      if (missing[number]! > 0 && load(host) < fairShare) give(number, host);
    }
  }
  for (const [number, owner] of owners.entries()) {
    const shared = (host: Subscription) => [...placed.get(host)!].filter(at => owners[at] === owner).length;
    while (missing[number]! > 0) {
      const free = eligible(number).filter(host => !placed.get(host)!.has(number));
      give(number, free.sort((a, b) => load(a) - load(b) || shared(a) - shared(b))[0]!);
    }
  }
  while (evened(placed, owners));
  return placed;
}

interface Step {
  readonly from: Subscription;
  readonly to: Subscription;
  readonly number: number;
}

/**
 * Moves one copy from a member with the most towards one with at least two fewer, over others where the two cannot trade
 * directly; false when there is no such way, which is when it is as even as it can be.
 */
function evened(placed: Standbys, owners: readonly Subscription[]): boolean {
  const most = Math.max(0, ...[...placed.values()].map(numbers => numbers.size));
  const queue = [...placed.keys()].filter(host => placed.get(host)!.size === most);
  const reached = new Map<Subscription, Step | null>(queue.map(host => [host, null]));
  for (const from of queue) {
    for (const number of placed.get(from)!) {
      for (const [to, numbers] of placed) {
        if (reached.has(to) || to === owners[number] || numbers.has(number)) continue;
        reached.set(to, { from, to, number });
        queue.push(to);
        if (numbers.size > most - 2) continue;
        for (let step = reached.get(to); step; step = reached.get(step.from)) {
          placed.get(step.from)!.delete(step.number);
          placed.get(step.to)!.add(step.number);
        }
        return true;
      }
    }
  }
  return false;
}
