import type { Assigner } from 'kafkajs';
import { type ConsumerGroup, internals, type RequestQueue } from './kafkajs-internals.ts';

/**
 * Defects of kafkajs 2.2.4, mended on its prototypes at run time.
 *
 * - An idle connection polled its request queue every millisecond for ever (kafkajs issue 1751).
 * - A consumer group could neither be told to wait before it joins again nor be given positions and records of our own,
 *   and forgot what its assigner had added to an assignment: a group whose assigner carries a `driver` is driven by it; other groups are as they were.
 */
export function mendKafkajs(): void {
  if (mended) return;
  mended = true;
  mendIdleQueues(internals.RequestQueue.prototype);
  keepAssignments();
  driveGroups(internals.ConsumerGroup.prototype);
}

let mended = false;

/** As in kafkajs: how soon a queue that is full, not throttled, looks again. */
const fullQueueCheckMs = 10;

/** Exported for its test, which needs the queue as it was and as it is. */
export function mendIdleQueues(queue: RequestQueue): void {
  queue.scheduleCheckPendingRequests = function (this: RequestQueue) {
    // With nothing pending there is nothing to check: a request pushed later arms the timer itself when it has to wait.
    if (this.pending.length === 0 || this.throttleCheckTimeoutId) return;
    const throttledMs = this.throttledUntil - Date.now();
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      throttledMs > 0 ? throttledMs : fullQueueCheckMs,
    );
  };
}

/** Takes a kafkajs consumer group over at the points where kafkajs leaves no choice. */
export interface GroupDriver {
  /** Before the group joins, for the first time or again; joining waits for it. */
  beforeJoin(group: ConsumerGroup): Promise<void>;
  /** After each assignment, before anything is fetched; with the bytes of it, of which kafkajs keeps but a part. */
  joined(group: ConsumerGroup, assignment: Buffer): void;
  /** Instead of kafkajs' own fetch of what one broker leads. */
  fetch(group: ConsumerGroup, nodeId: string): Promise<readonly unknown[]>;
}

export interface DrivenAssigner extends Assigner {
  readonly driver: GroupDriver;
}

function driverOf(group: ConsumerGroup): GroupDriver | undefined {
  return (group.assigners as readonly Partial<DrivenAssigner>[]).find(assigner => assigner.driver)?.driver;
}

/** Groups of ours that join just now, with the assignment that arrived. */
const joining = new Map<ConsumerGroup, Buffer | null>();

function keepAssignments(): void {
  const broker = internals.Broker.prototype;
  const { syncGroup } = broker;
  broker.syncGroup = async function (this: unknown, request: object) {
    const response = (await syncGroup!.call(this, request)) as { memberAssignment: Buffer };
    const { memberId } = request as { memberId: string };
    for (const group of joining.keys()) {
      if (group.memberId === memberId) joining.set(group, response.memberAssignment);
    }
    return response;
  };
}

function driveGroups(group: ConsumerGroup): void {
  const { joinAndSync, fetch } = group;
  group.joinAndSync = async function (this: ConsumerGroup) {
    const driver = driverOf(this);
    if (!driver) return joinAndSync.call(this);
    await driver.beforeJoin(this);
    joining.set(this, null);
    try {
      await joinAndSync.call(this);
      driver.joined(this, joining.get(this)!);
    } finally {
      joining.delete(this);
    }
  };
  group.fetch = function (this: ConsumerGroup, nodeId: string) {
    return driverOf(this)?.fetch(this, nodeId) ?? fetch.call(this, nodeId);
  };
}
