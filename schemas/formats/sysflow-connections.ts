import type { Direction, SysFlowConnections } from './sysflow-events.ts';

const most = 100_000;

/** Who opened which connection, and which addresses are whose, as far as the file has told. */
export class KnownConnections {
  readonly #directions = new Map<string, Direction>();
  readonly #owners = new Map<string, Set<string>>();

  /** An address that the file says is the container's. */
  own(containerId: string, address: string): void {
    const known = this.#owners.get(containerId) ?? new Set();
    if (isOfMachine(address) || known.size === most) return;
    this.#owners.set(containerId, known.add(address));
  }

  of(containerId: string): SysFlowConnections {
    // Both ends of a connection within the machine are in the file, each with its own direction.
    const keyOf = (connection: string) => `${containerId} ${connection}`;
    return {
      opened: connection => this.#directions.get(keyOf(connection)),
      remember: (connection, direction, ownAddress) => {
        this.#remember(keyOf(connection), direction);
        this.own(containerId, ownAddress);
      },
      isOwn: address => this.#owners.get(containerId)?.has(address) ?? false,
    };
  }

  /** The oldest is forgotten: a connection that long without a flow has most likely ended. */
  #remember(key: string, direction: Direction): void {
    this.#directions.delete(key);
    this.#directions.set(key, direction);
    if (this.#directions.size > most) this.#directions.delete(this.#directions.keys().next().value!);
  }
}

function isOfMachine(address: string): boolean {
  return address === '' || address.startsWith('127.');
}
