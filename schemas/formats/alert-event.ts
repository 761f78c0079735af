import type { Alert, Container, Origin, Process, Verdict } from '../generated/types.ts';
import type { ReadEvent } from './outcome.ts';

interface Head {
  readonly origin: Origin;
  readonly time: number;
  readonly container: Container;
  readonly process: Process | null;
  readonly verdict: Verdict;
}

/** The event that a rule audited or denied, with that verdict; undefined when the alert holds none. */
export function alertEvent(alert: Alert): ReadEvent | undefined {
  const { origin, time, container, process, verdict, execution, file, network, capability, syscall } = alert;
  const head: Head = { origin, time, container, process, verdict };
  const about = { subject: { labels: {} }, times: 1 + alert.suppressed };
  if (execution) return { topic: 'events.process.v1', event: { ...head, execution }, ...about };
  if (file) return { topic: 'events.file.v1', event: { ...head, file }, ...about };
  if (network) return { topic: 'events.network.v1', event: { ...head, network }, ...about };
  if (capability) return { topic: 'events.capability.v1', event: { ...head, capability }, ...about };
  if (syscall) return { topic: 'events.syscall.v1', event: { ...head, syscall }, ...about };
  return undefined;
}
