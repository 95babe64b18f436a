import { describe, expect, it } from 'vitest';
import type { Fate } from '../../../../infra/local/simulate/faults.ts';
import { createFunction, type Handler, type Instance } from '../../../../infra/local/simulate/function.ts';
import { makeWorld, runOut, secondsOf } from './make-world.ts';

const put = { service: 'table', name: 'put', refusal: () => new Error('throttled') } as const;

/** A function of two writes, `a` and `b`, that remembers how often it was called; each call has the next of these fates. */
function start(fates: Fate[], code?: (instance: Instance) => Handler<string>) {
  const world = makeWorld({
    ofCall: () => fates.shift() ?? { kind: 'lands', latency: 5 },
    outlives: () => false,
  });
  const written: string[] = [];
  const invoke = createFunction<string>(world, {
    name: 'settle',
    timeout: 120_000,
    memoryGB: 1.769,
    computing: () => 0,
    start:
      code ??
      ((instance) => {
        let calls = 0;
        return async () => {
          calls += 1;
          await instance.call(put, (take) => void written.push(...take(['a1', 'a2'])));
          await instance.call(put, (take) => void written.push(...take(['b'])));
          return calls;
        };
      }),
  });
  const outcomes: string[] = [];
  const call = async () => {
    const outcome = await invoke('event');
    outcomes.push(
      `${Math.floor(secondsOf(world))} ${outcome.kind === 'failed' ? outcome.error.message : outcome.answer}`,
    );
  };
  return { world, call, written, outcomes };
}

describe('a function', () => {
  it('is warm the second time, and cold after a while', async () => {
    const { world, call, outcomes } = start([]);
    world.time.after(0, () => void call());
    world.time.after(5000, () => void call());
    world.time.after(3_600_000, () => void call());
    await runOut(world);
    expect(outcomes).toEqual(['0 1', '5 2', '3600 1']);
    expect(world.account.functions.settle).toMatchObject({ invocations: 3, coldStarts: 2, failed: 0 });
  });

  it('dies in the middle of a write: the rest is never written, and its memory is gone', async () => {
    const { world, call, written, outcomes } = start([
      { kind: 'killed', latency: 5, take: (all) => all.slice(0, 1), hangs: false },
    ]);
    world.time.after(0, () => void call().then(call));
    await runOut(world);
    expect(outcomes).toEqual(['0 the process died', '0 1']);
    expect(written).toEqual(['a1', 'a1', 'a2', 'b']);
  });

  it('that hangs is ended at its time-out', async () => {
    const { world, call, outcomes } = start([
      { kind: 'killed', latency: 5, take: (all) => all, hangs: true },
    ]);
    world.time.after(0, () => void call());
    await runOut(world);
    expect(outcomes).toEqual(['120 it timed out']);
  });

  it('hears of a refusal, and nothing where an answer is lost', async () => {
    const { world, call, written, outcomes } = start([
      { kind: 'refused', latency: 5, take: () => [] },
      { kind: 'answer-lost', latency: 5, silence: 3000 },
    ]);
    world.time.after(0, () => void call().then(call));
    await runOut(world);
    expect(outcomes).toEqual(['0 throttled', '3 no answer came']);
    expect(written).toEqual(['a1', 'a2']);
  });
});
