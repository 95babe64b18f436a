import { describe } from 'vitest';
import { createMemoryStore } from '../../../functions/correlator/store-memory.ts';
import { startDynaliteStore } from './start-dynalite-store.ts';
import { keepsTheContract } from './store-contract.ts';

describe('the store in memory', () => {
  keepsTheContract(async () => ({ make: createMemoryStore, stop: async () => {} }));
});

describe('the store in DynamoDB', () => {
  keepsTheContract(startDynaliteStore, 'characters');
});
