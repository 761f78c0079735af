import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { internals, type RequestQueue } from './kafkajs-internals.ts';
import { mendIdleQueues } from './kafkajs-mends.ts';

const original = internals.RequestQueue.prototype.scheduleCheckPendingRequests;

interface Queue extends RequestQueue {
  push(request: object): void;
  fulfillRequest(answer: object): void;
  maybeThrottle(timeMs: number): void;
  destroy(): void;
}

const made: Queue[] = [];

function queue({ maxInFlightRequests = null as number | null } = {}) {
  const logger = { debug() {}, warn() {} };
  const Constructor = internals.RequestQueue as unknown as new (options: object) => Queue;
  const one = new Constructor({
    maxInFlightRequests,
    requestTimeout: 1000,
    enforceRequestTimeout: false,
    logger,
  });
  made.push(one);
  let checks = 0;
  const { checkPendingRequests } = one;
  one.checkPendingRequests = function (this: RequestQueue) {
    checks += 1;
    checkPendingRequests.call(this);
  };
  const sent: number[] = [];
  const push = (correlationId: number) => {
    const entry = { correlationId, resolve() {}, reject() {} };
    one.push({ entry, expectResponse: true, sendRequest: () => sent.push(correlationId) });
  };
  const answer = (correlationId: number) => one.fulfillRequest({ correlationId, size: 0, payload: null });
  return { one, push, answer, sent, checks: () => checks };
}

describe('mendIdleQueues', () => {
  afterEach(() => {
    internals.RequestQueue.prototype.scheduleCheckPendingRequests = original;
    for (const each of made.splice(0)) each.destroy();
  });

  it('stops the polling of an idle queue that kafkajs starts with its first answer', async () => {
    const before = queue();
    before.push(1);
    before.answer(1);
    await sleep(200);
    expect(before.checks()).toBeGreaterThan(20);
    before.one.destroy();
    mendIdleQueues(internals.RequestQueue.prototype);
    const after = queue();
    after.push(1);
    after.answer(1);
    await sleep(200);
    expect(after.checks()).toBe(1);
    expect(after.one.throttleCheckTimeoutId).toBeNull();
  });

  it('still sends what had to wait for a throttled broker, once its time is up', async () => {
    mendIdleQueues(internals.RequestQueue.prototype);
    const { one, push, sent, checks } = queue();
    one.maybeThrottle(100);
    push(1);
    push(2);
    expect(sent).toEqual([]);
    await sleep(60);
    expect(sent).toEqual([]);
    await sleep(100);
    expect(sent).toEqual([1, 2]);
    expect(checks()).toBeLessThan(5);
  });

  it('waits on when the throttling is prolonged meanwhile', async () => {
    mendIdleQueues(internals.RequestQueue.prototype);
    const { one, push, sent } = queue();
    one.maybeThrottle(50);
    push(1);
    one.maybeThrottle(200);
    await sleep(100);
    expect(sent).toEqual([]);
    await sleep(180);
    expect(sent).toEqual([1]);
  });

  it('sends a request that found the queue full as soon as another is answered', () => {
    mendIdleQueues(internals.RequestQueue.prototype);
    const { push, answer, sent } = queue({ maxInFlightRequests: 1 });
    push(1);
    push(2);
    push(3);
    expect(sent).toEqual([1]);
    answer(1);
    expect(sent).toEqual([1, 2]);
    answer(2);
    expect(sent).toEqual([1, 2, 3]);
  });
});
