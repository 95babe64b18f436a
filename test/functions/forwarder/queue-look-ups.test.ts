import { setImmediate as pass } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { LookUpResult } from '../../../functions/forwarder/kubernetes/look-up-object.ts';
import {
  createLookUpQueue,
  lookUpsSettled,
  rememberedLookUps,
  startLookUp,
} from '../../../functions/forwarder/queue-look-ups.ts';
import type { Step } from '../../../functions/forwarder/track-positions.ts';

const pod = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name });

/** A queue whose API server answers when the test says so, and whose time is over when it says so. */
function createScene({ concurrency = 2, mostWaiting = 2, mostRemembered = 0 } = {}) {
  const asked: string[] = [];
  const answers: ((result: LookUpResult) => void)[] = [];
  const told: string[] = [];
  const found: string[] = [];
  /** Of what was found and is not stored. */
  const unstored: Step[] = [];
  let over = 0;
  const timers: (() => void)[] = [];
  const stop = new AbortController();
  const queue = createLookUpQueue(
    {
      clock: {
        now: () => 0,
        elapsed: () => 0,
        sleep: (_, signal) =>
          new Promise((resolve) => {
            timers.push(resolve);
            signal?.addEventListener('abort', () => resolve());
          }),
      },
      lookUp({ name }) {
        asked.push(name);
        return new Promise((resolve) => answers.push(resolve));
      },
      async onFound(_, { name }, step) {
        found.push(name);
        step.hold();
        unstored.push(step);
      },
      onOver: () => void over++,
      report: (remark) => told.push(remark.type === 'looked-up' ? remark.result : remark.type),
      signal: stop.signal,
    },
    { lookUpTime: 30_000, concurrency, mostWaiting, mostRemembered },
  );
  return { queue, asked, answers, told, found, unstored, over: () => over, timers, stop };
}

function createStep(): Step & { holds: number } {
  return {
    holds: 0,
    hold() {
      this.holds++;
    },
    release() {
      this.holds--;
    },
  };
}

describe('look-ups that Events asked for', () => {
  it('are made once for an object, and hold each step once until the answer', async () => {
    const { queue, asked, answers, told } = createScene();
    const [first, second] = [createStep(), createStep()];
    startLookUp(queue, pod('a'), first);
    startLookUp(queue, pod('a'), first);
    startLookUp(queue, pod('a'), second);
    await pass();
    expect(asked).toEqual(['a']);
    expect([first.holds, second.holds]).toEqual([1, 1]);
    answers[0]!({ type: 'gone' });
    await lookUpsSettled(queue);
    expect([first.holds, second.holds]).toEqual([0, 0]);
    expect(told).toEqual(['gone']);
  });

  it('hold their steps until what they found is stored', async () => {
    const { queue, answers, found, unstored, timers } = createScene();
    const steps = [createStep(), createStep()];
    for (const step of steps) startLookUp(queue, pod('a'), step);
    await pass();
    answers[0]!({ type: 'found', object: {} });
    await lookUpsSettled(queue);
    for (const end of timers) end();
    await pass();
    expect(found).toEqual(['a']);
    expect(steps.map(({ holds }) => holds)).toEqual([1, 1]);
    unstored[0]!.release();
    expect(steps.map(({ holds }) => holds)).toEqual([0, 0]);
  });

  it('wait in turn, and beyond the most that may wait there are none', async () => {
    const { queue, asked, answers, told } = createScene({ concurrency: 1, mostWaiting: 1 });
    const skipped = createStep();
    startLookUp(queue, pod('a'), createStep());
    startLookUp(queue, pod('b'), createStep());
    startLookUp(queue, pod('c'), skipped);
    await pass();
    expect(asked).toEqual(['a']);
    expect(told).toEqual(['skipped']);
    expect(skipped.holds).toBe(0);
    answers[0]!({ type: 'gone' });
    await pass();
    expect(asked).toEqual(['a', 'b']);
  });

  it('hold nothing once their time is over', async () => {
    const { queue, timers } = createScene();
    const step = createStep();
    startLookUp(queue, pod('a'), step);
    timers[0]!();
    await pass();
    expect(step.holds).toBe(0);
    const later = createStep();
    startLookUp(queue, pod('a'), later);
    expect(later.holds).toBe(0);
  });

  it('go on holding where the process stops in the middle: the next one reads the Event again', async () => {
    const { queue, answers, stop } = createScene();
    const step = createStep();
    startLookUp(queue, pod('a'), step);
    await pass();
    stop.abort();
    answers[0]!({ type: 'gone' });
    await lookUpsSettled(queue);
    expect(step.holds).toBe(1);
  });

  it('hold nothing where they are remembered until what they found is stored', async () => {
    const { queue, answers, unstored, over } = createScene({ mostRemembered: 1 });
    const [first, second] = [createStep(), createStep()];
    startLookUp(queue, pod('a'), first);
    startLookUp(queue, pod('b'), second);
    await pass();
    expect([first.holds, second.holds]).toEqual([0, 1]);
    answers[0]!({ type: 'found', object: {} });
    await pass();
    expect(rememberedLookUps(queue)).toEqual([pod('a')]);
    expect(over()).toBe(0);
    unstored[0]!.release();
    expect(rememberedLookUps(queue)).toEqual([]);
    expect(over()).toBe(1);
    startLookUp(queue, pod('c'), createStep());
    expect(rememberedLookUps(queue)).toEqual([pod('c')]);
  });

  it('stay remembered where the process stops in the middle', async () => {
    const { queue, answers, stop, over } = createScene({ mostRemembered: 1 });
    startLookUp(queue, pod('a'), createStep());
    await pass();
    stop.abort();
    answers[0]!({ type: 'gone' });
    await lookUpsSettled(queue);
    expect(rememberedLookUps(queue)).toEqual([pod('a')]);
    expect(over()).toBe(0);
  });
});
