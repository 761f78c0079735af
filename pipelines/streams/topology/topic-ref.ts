/** A topic as a topology names it: one that exists anyway, or one that belongs to the application. */
export type TopicRef = { readonly topic: string } | RepartitionRef;

export interface RepartitionRef {
  readonly repartition: string;
  /** Absent: as many as it takes, see task/plan.ts. */
  readonly partitions?: number;
}

/** The name in the log. */
export function resolveTopic(ref: TopicRef, applicationId: string): string {
  return 'topic' in ref ? ref.topic : `${applicationId}-${ref.repartition}-repartition`;
}

/** As `describe` prints it, without the application. */
export function labelOf(ref: TopicRef): string {
  return 'topic' in ref ? ref.topic : `(${ref.repartition}-repartition)`;
}

export const changelogOf = (applicationId: string, store: string) => `${applicationId}-${store}-changelog`;

/** Where tasks note how far their state goes; see docs/semantics.md, S27. */
export const checkpointsOf = (applicationId: string) => `${applicationId}-checkpoints`;

const legal = /^[a-zA-Z0-9._-]{1,120}$/;

/** Whether a name may become part of a topic's name. */
export const isTopicPart = (name: string) => legal.test(name);
