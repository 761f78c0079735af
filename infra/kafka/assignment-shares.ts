/** How much each of some members was given, so that they end up with as much as each other, give or take one. */
export class Shares<Member> {
  readonly #loads: Map<Member, number>;
  #evenLoad = 0;
  /** How many members may go one over the even load; those that are over it already take none of what was opened. */
  #spare = 0;

  constructor(members: readonly Member[]) {
    this.#loads = new Map(members.map(member => [member, 0]));
  }

  /** Makes room for so many in all; what was opened before must have been taken. */
  open(total: number): void {
    this.#evenLoad = Math.floor(total / this.#loads.size);
    this.#spare = total % this.#loads.size;
  }

  /** The first of the members with the least, among those with room; all that was opened can be taken. */
  emptiest(members: readonly Member[]): Member | undefined {
    let found: Member | undefined;
    for (const member of members) {
      if (this.#hasRoom(member) && (!found || this.of(member) < this.of(found))) found = member;
    }
    return found;
  }

  take(member: Member): void {
    const load = this.of(member);
    if (load === this.#evenLoad) this.#spare -= 1;
    this.#loads.set(member, load + 1);
  }

  of(member: Member): number {
    return this.#loads.get(member)!;
  }

  #hasRoom(member: Member): boolean {
    const load = this.of(member);
    return load < this.#evenLoad || (load === this.#evenLoad && this.#spare > 0);
  }
}
