import { describe, expect, it } from 'vitest';
import type { OwnEvent } from '../../../functions/forwarder/kubernetes/post-event.ts';
import { createOwnEventPoster } from '../../../functions/forwarder/post-own-events.ts';
import { createVirtualClock } from '../../infra/local/virtual-clock.ts';

const about = (reason: string): OwnEvent => ({ type: 'Normal', reason, action: 'Shipping', message: '' });
const seconds = (count: number) => count * 1_000;

/** An API server that is away until `backAfter` milliseconds have passed; what it was sent, and what it kept. */
function createPost({ backAfter }: { backAfter: number }) {
  const clock = createVirtualClock(0);
  const end = new AbortController();
  const tried: string[] = [];
  const stored: string[] = [];
  const failed: unknown[] = [];
  const say = createOwnEventPoster({
    async post({ reason }, at) {
      tried.push(reason);
      await null;
      if (clock.now() < backAfter) throw new Error('ECONNREFUSED');
      stored.push(`${reason} at ${at}`);
    },
    clock: { ...clock, elapsed: clock.now },
    onFailed: (error) => void failed.push(error),
    signal: end.signal,
  });
  const pass = (milliseconds: number) => clock.sleep(milliseconds, new AbortController().signal);
  return { say, pass, tried, stored, failed, stop: () => end.abort() };
}

describe('an Event about the forwarder', () => {
  it('is posted again until it is stored, as of when it was', async () => {
    const { say, pass, stored, tried } = createPost({ backAfter: seconds(60) });
    await pass(7);
    say(about('CannotShip'));
    await pass(seconds(200));
    expect(stored).toEqual(['CannotShip at 7']);
    expect(tried).toHaveLength(5);
  });

  it('gives way to the next: what is over need not be told', async () => {
    const { say, pass, stored } = createPost({ backAfter: seconds(300) });
    for (const reason of ['CannotShip', 'ShippingAgain', 'CannotShip', 'ShippingAgain']) {
      say(about(reason));
      await pass(seconds(10));
    }
    await pass(seconds(600));
    expect(stored).toEqual(['ShippingAgain at 30000']);
  });

  it('is given up after some tries, and told once; the next one has tries of its own', async () => {
    const { say, pass, tried, failed, stored } = createPost({ backAfter: seconds(7_200) });
    say(about('CannotShip'));
    await pass(seconds(7_190));
    expect([tried.length, failed.length]).toEqual([9, 1]);
    say(about('ShippingAgain'));
    await pass(seconds(60));
    expect(stored).toEqual(['ShippingAgain at 7190000']);
  });

  it('is not waited for when the forwarder stops', async () => {
    const { say, pass, tried, failed, stop } = createPost({ backAfter: Number.POSITIVE_INFINITY });
    say(about('CannotShip'));
    await pass(seconds(1));
    stop();
    await pass(seconds(3_600));
    expect([tried.length, failed.length]).toEqual([1, 0]);
  });
});
