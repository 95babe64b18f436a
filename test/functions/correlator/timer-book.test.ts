import { describe, expect, it } from 'vitest';
import { armTimers, createTimerBook, pendingTimer } from '../../../functions/correlator/timer-book.ts';
import { noon, startContext } from '../../support/start-context.ts';

/** Of ingest as it is: a timer comes 21 s after the first observation, and 5 s or more after each. */
function startBook(...args: Parameters<typeof startContext>) {
  const { ports, clock, armed } = startContext(...args);
  const book = createTimerBook(ports.timers, ports.now, { delay: 21, margin: 5 });
  const wait = (seconds: number) => {
    clock.now += seconds * 1000;
  };
  return { book, armed, wait };
}
const inSeconds = (at: number | undefined) => at && (at - noon) / 1000;

describe('a timer', () => {
  it('is sent for those who have none, in one message', async () => {
    const { book, armed } = startBook();
    await armTimers(book, ['c1/web', 'c1/api'], 'batch');
    expect(armed).toEqual([
      {
        id: expect.any(String),
        activities: ['c1/web', 'c1/api'],
        dueAt: noon + 21_000,
        armedAt: noon,
        delaySeconds: 21,
      },
    ]);
  });

  it('is not sent again while one is to come', async () => {
    const { book, armed, wait } = startBook();
    await armTimers(book, ['c1/web'], 'first');
    wait(15);
    await armTimers(book, ['c1/web', 'c1/api'], 'second');
    expect(armed.map(({ activities }) => activities)).toEqual([['c1/web'], ['c1/api']]);
    await armTimers(book, ['c1/web', 'c1/api'], 'third');
    expect(armed).toHaveLength(2);
  });

  it('that comes in 5 s may be read before what is written now is there: another follows', async () => {
    const { book, armed, wait } = startBook();
    await armTimers(book, ['c1/web'], 'first');
    wait(16);
    expect(pendingTimer(book, 'c1/web')).toBeUndefined();
    await armTimers(book, ['c1/web'], 'second');
    expect(armed.map(({ dueAt }) => inSeconds(dueAt))).toEqual([21, 37]);
    expect(inSeconds(pendingTimer(book, 'c1/web'))).toBe(37);
  });

  it('that could not be sent is not counted on', async () => {
    const { book, armed } = startBook((call) => (call === 1 ? 'before' : undefined));
    await expect(armTimers(book, ['c1/web'], 'first')).rejects.toThrow('before arm');
    expect(pendingTimer(book, 'c1/web')).toBeUndefined();
    await armTimers(book, ['c1/web'], 'again');
    expect(armed).toHaveLength(1);
  });

  it('is for nobody where there is nobody', async () => {
    const { book, armed } = startBook();
    await armTimers(book, [], 'batch');
    expect(armed).toEqual([]);
  });
});

describe('what is written says when its timer comes', () => {
  it('which is known once it is sent', async () => {
    const { book } = startBook();
    expect(pendingTimer(book, 'c1/web')).toBeUndefined();
    await armTimers(book, ['c1/web'], 'batch');
    expect(inSeconds(pendingTimer(book, 'c1/web'))).toBe(21);
    expect(pendingTimer(book, 'c1/api')).toBeUndefined();
  });

  it('as long as it comes late enough', async () => {
    const { book, wait } = startBook();
    await armTimers(book, ['c1/web'], 'batch');
    wait(15.999);
    expect(inSeconds(pendingTimer(book, 'c1/web'))).toBe(21);
    wait(0.001);
    expect(pendingTimer(book, 'c1/web')).toBeUndefined();
  });
});
