/** What a member brings to an assignment: numbers of partitions, each standing for that partition of every topic. */
export interface Claims {
  readonly endpoint: string | null;
  /** What the assignment of `generation` gave it. Of two members that claim the same, the newer generation is right. */
  readonly owned: readonly number[];
  readonly generation: number;
  readonly warm: readonly number[];
  /** How many copies of each partition it asks for; 0 also means that it can keep none. */
  readonly standbys: number;
}

/** What a member claims that is too old to say, or new. */
export const noClaims: Claims = { endpoint: null, owned: [], generation: -1, warm: [], standbys: 0 };

export interface Subscription extends Claims {
  readonly memberId: string;
  readonly topics: readonly string[];
}
