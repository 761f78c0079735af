import { afterEach, beforeEach, describe } from 'vitest';
import { adminContract } from './admin.contract.ts';
import { consumerContract } from './consumer.contract.ts';
import { ContractBench } from './contract-bench.ts';
import { groupContract } from './group.contract.ts';
import { errorContract } from './handler-error.contract.ts';
import { membershipContract } from './membership.contract.ts';
import type { LogClient } from './port.ts';
import { producerContract } from './producer.contract.ts';
import { readerContract } from './reader.contract.ts';
import { transactionContract } from './transaction.contract.ts';

/** What every implementation of the port is held to. `connect` makes a client of one log, each call another. */
export function logContract(name: string, connect: () => LogClient): void {
  describe(`${name} keeps the log port's contract`, () => {
    let bench: ContractBench;
    beforeEach(() => {
      bench = new ContractBench(connect);
    });
    afterEach(() => bench.close());

    describe('producer', () => producerContract(() => bench));
    describe('consumer', () => consumerContract(() => bench));
    describe('group', () => groupContract(() => bench));
    describe('membership', () => membershipContract(() => bench));
    describe('handler errors', () => errorContract(() => bench));
    describe('transactions', () => transactionContract(() => bench));
    describe('reader', () => readerContract(() => bench));
    describe('admin', () => adminContract(() => bench));
  });
}
