/** Labels that differ between pods of one workload: by replica, run, revision or place. They must not select. */
const fleeting = new Set([
  'pod-template-hash',
  'controller-revision-hash',
  'pod-template-generation',
  'controller-uid',
  'job-name',
  'statefulset.kubernetes.io/pod-name',
  'apps.kubernetes.io/pod-index',
  'app.kubernetes.io/version',
  'helm.sh/chart',
]);
const fleetingPrefixes = ['batch.kubernetes.io/', 'topology.kubernetes.io/', 'security.istio.io/'];

export function stableLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).filter(
      ([key]) => !fleeting.has(key) && !fleetingPrefixes.some(prefix => key.startsWith(prefix)),
    ),
  );
}
