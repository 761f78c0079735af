/**
 * The step from events to flows.
 *
 * Every event ends in exactly one way: its flows go on, or it is dropped under a reason. What cannot be told is not held: enrich
 * does that with the same events, and puts them aside where people look.
 */

import { alertEvent } from '#formats';
import type { Alert, NetworkEvent } from '#schemas';
import type { GlobalTable, Processor, ProcessorContext, StreamRecord } from '#streams';
import { type EntityIntervals, Observer } from '../enrich/index.ts';
import { type Flow, flowIdentity, flowsOf } from './flows-of.ts';

export class FindFlows implements Processor<string, NetworkEvent | Alert, string, Flow> {
  readonly #entities: GlobalTable<EntityIntervals>;
  #context!: ProcessorContext<string, Flow>;
  #observer!: Observer;

  constructor(entities: GlobalTable<EntityIntervals>) {
    this.#entities = entities;
  }

  init(context: ProcessorContext<string, Flow>): void {
    this.#context = context;
    this.#observer = new Observer(context.global(this.#entities));
  }

  process({ value: reported, ...carrier }: StreamRecord<string, NetworkEvent | Alert>): void {
    const told = 'rule' in reported ? alertEvent(reported) : { event: reported, times: 1 };
    if (!told || !('network' in told.event)) {
      this.#context.drop('irrelevant');
      return;
    }
    const { event, times = 1 } = told;
    const observed = this.#observer.observe(event as NetworkEvent);
    if ('type' in observed) {
      this.#context.drop(observed.reason);
      return;
    }
    const flows = flowsOf(observed, { verdict: reported.verdict, times });
    if (flows.length === 0) this.#context.drop('irrelevant');
    for (const flow of flows) this.#context.forward({ ...carrier, key: flowIdentity(flow), value: flow });
  }
}
