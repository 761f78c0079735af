/** Which of two selectors told of the same workload counts: a choice that does not depend on their order. */

type Labels = Readonly<Record<string, string>>;

export function areSame(a: Labels, b: Labels): boolean {
  if (a === b) return true;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every(key => a[key] === b[key]);
}

/** One of two, whichever came first; none is less than any. */
export function smaller(a: Labels, b: Labels): Labels {
  const [left, right] = [spelled(a), spelled(b)];
  if (left === '[]' || right === '[]') return left === '[]' ? b : a;
  return left <= right ? a : b;
}

function spelled(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
