/** Names outside of the cluster: which addresses they have, for how long, and which they had before. */

import { Seeded } from './seeded.ts';
import { beginningUs, hourUs, secondUs } from './time.ts';

interface Network {
  readonly prefix: string;
  /** Addresses that are in use at a moment, shared by all its names. */
  readonly size: number;
  /** How many are given up, and taken instead, every six hours. */
  readonly renewed: number;
  readonly ttlSeconds: number;
  readonly answered: number;
}

const networks: Readonly<Record<string, Network>> = {
  cdn: { prefix: '198.18', size: 128, renewed: 6, ttlSeconds: 60, answered: 2 },
  blobs: { prefix: '198.19', size: 32, renewed: 2, ttlSeconds: 300, answered: 1 },
  mail: { prefix: '203.0', size: 2, renewed: 0, ttlSeconds: 3600, answered: 2 },
};

const renewalUs = 6 * hourUs;

function addressAt({ prefix }: Network, index: number): string {
  return `${prefix}.${index >> 8}.${index & 255}`;
}

function firstIndex({ renewed }: Network, atUs: number): number {
  return 1 + Math.max(0, Math.floor((atUs - beginningUs) / renewalUs)) * renewed;
}

export interface Answer {
  readonly addresses: readonly string[];
  readonly ttlSeconds: number;
}

/** What a DNS server answers at a moment. Errors: RangeError for a network there is not. */
export function answer(name: string, networkName: string, atUs: number): Answer {
  const network = networks[networkName];
  if (!network) throw new RangeError(`there is no network ${networkName}`);
  const { size, ttlSeconds, answered } = network;
  const epoch = Math.floor(atUs / (ttlSeconds * secondUs));
  const random = Seeded.of(epoch, name);
  const first = firstIndex(network, epoch * ttlSeconds * secondUs);
  const chosen = new Set<number>();
  while (chosen.size < Math.min(answered, size)) chosen.add(first + random.integer(size));
  return { addresses: [...chosen].map(index => addressAt(network, index)), ttlSeconds };
}

/** Addresses that were in use once and belong to strangers at the moment given. */
export function formerAddresses(atUs: number): string[] {
  return Object.values(networks).flatMap(network => {
    const gone = firstIndex(network, atUs) - 1;
    return Array.from({ length: gone }, (_, i) => addressAt(network, i + 1));
  });
}
