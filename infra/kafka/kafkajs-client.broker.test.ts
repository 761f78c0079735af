import { inject } from 'vitest';
import { kafkaClient } from './kafkajs-client.ts';
import { logContract } from './port.contract.ts';

let clients = 0;
logContract('kafkaClient', () =>
  kafkaClient({ bootstrapServers: inject('bootstrapServers'), clientId: `contract-${++clients}` }),
);
