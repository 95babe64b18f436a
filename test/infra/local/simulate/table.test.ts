import { describe, expect, it } from 'vitest';
import type { Instance } from '../../../../infra/local/simulate/function.ts';
import { createTable } from '../../../../infra/local/simulate/table.ts';
import { makeWorld, noon, plainInstance } from './make-world.ts';

const expiresAt = noon / 1000 + 3600;
const item = (sk: string, bytes = 10) => ({ pk: 'p', sk, expiresAt, body: new Uint8Array(bytes) });

describe('a table', () => {
  it('may have written a part of what it turned down', async () => {
    const world = makeWorld();
    const table = createTable(world);
    const throttled: Instance = {
      ...plainInstance(world),
      async call(request, land) {
        await land((all) => all.slice(0, 1));
        throw request.refusal();
      },
    };
    await expect(table.of(throttled).put([item('a'), item('b')])).rejects.toThrow('turned down');
    const there = await table.of(plainInstance(world)).list('p');
    expect(there.map(({ sk }) => sk)).toEqual(['a']);
  });

  it('counts what DynamoDB bills', async () => {
    const world = makeWorld();
    const store = createTable(world).of(plainInstance(world));
    const { table } = world.account.services;
    await store.put([item('a', 100), item('b', 2100)]);
    expect(table.writeUnits).toBe(1 + 3);
    await store.list('p');
    expect(table.readUnits).toBe(1);
    await store.read([
      { pk: 'p', sk: 'a' },
      { pk: 'p', sk: 'b' },
      { pk: 'p', sk: 'none' },
    ]);
    expect(table.readUnits).toBe(1 + 3);
    // A condition that does not hold is billed all the same.
    expect(await store.replace({ ...item('a', 100), revision: 1 }, 7)).toBe(false);
    expect(table.writeUnits).toBe(4 + 1);
  });
});
