import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { mergeArrivals } from '../../../infra/local/merge-arrivals.ts';

async function* counting(name: string, to: number): AsyncGenerator<string, string> {
  for (let i = 1; i <= to; i++) {
    await setImmediate();
    yield `${name}${i}`;
  }
  return `${name} has ended`;
}

it('gives all of all sources, each in its order, those included that come later', async () => {
  const merged = mergeArrivals<string>();
  const last = Promise.withResolvers<void>();
  const a = merged.add(counting('a', 3));
  let b: Promise<string | undefined> | undefined;
  const told: string[] = [];
  for await (const each of merged.until(last.promise)) {
    told.push(each);
    if (each !== 'a3') continue;
    b = merged.add(counting('b', 2));
    last.resolve();
  }
  expect(told).toEqual(['a1', 'a2', 'a3', 'b1', 'b2']);
  expect([await a, await b]).toEqual(['a has ended', 'b has ended']);
});

it('asks a source for more only once its last was taken', async () => {
  let asked = 0;
  const eager = async function* () {
    for (;;) yield ++asked;
  };
  const merged = mergeArrivals<number>();
  void merged.add(eager());
  const taken = merged.until(Promise.resolve());
  for (let i = 0; i < 5; i++) await taken.next();
  await setImmediate();
  expect(asked).toBeLessThanOrEqual(6);
});

it('ends with the error of a source, and of what brings sources', async () => {
  const broken = async function* (): AsyncGenerator<string> {
    yield 'one';
    throw new Error('broken');
  };
  const merged = mergeArrivals<string>();
  void merged.add(broken());
  await expect(Array.fromAsync(merged.until(new Promise(() => {})))).rejects.toThrow('broken');
  const failing = mergeArrivals<string>().until(Promise.reject(new Error('nobody looks')));
  await expect(Array.fromAsync(failing)).rejects.toThrow('nobody looks');
});
