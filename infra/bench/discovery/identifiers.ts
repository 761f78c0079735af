/** What is another one each time: numbers, ids, words in paths and names; addresses of strangers. */

import type { Seeded } from './seeded.ts';

const words = [
  ...['river', 'stone', 'maple', 'cloud', 'amber', 'cedar', 'lunar', 'coral', 'ember', 'frost', 'grove'],
  ...['haven', 'ivory', 'jade', 'lotus', 'mango', 'nylon', 'olive', 'pearl', 'quartz'],
];

/** With another identifier in each place. */
export function filled(template: string, random: Seeded): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, what: string) => {
    switch (what) {
      case 'number':
        return String(1 + random.integer(400));
      case 'uuid':
        return [8, 4, 4, 4, 12].map(count => random.digits(count)).join('-');
      case 'hex':
        return `5${random.digits(23)}`;
      default:
        return [random.pick(words), random.pick(words), random.pick(words)].join('-');
    }
  });
}

const networks = [31, 46, 81, 93, 109, 151, 178, 188];

/** Somewhere in the world, not among the addresses of names. */
export function outsideAddress(random: Seeded): string {
  const octets = [random.pick(networks), random.integer(256), random.integer(256), 1 + random.integer(254)];
  return octets.join('.');
}
