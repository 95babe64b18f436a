import type { AddressInfo } from 'node:net';
import dynalite from 'dynalite';
import { describe } from 'vitest';
import { createMemoryStore } from '../../../functions/correlator/store-memory.ts';
import { startDynamoDbStore } from './start-dynamodb-store.ts';
import { keepsTheContract } from './store-contract.ts';

describe('the store in memory', () => {
  keepsTheContract(async () => ({ make: createMemoryStore, stop: async () => {} }));
});

describe('the store in DynamoDB', () => {
  keepsTheContract(async () => {
    const server = dynalite({ createTableMs: 0 });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const started = await startDynamoDbStore(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return {
      make: started.make,
      stop: async () => {
        started.close();
        await new Promise<void>((resolve) => server.close(() => resolve()));
      },
    };
  }, 'characters');
});
