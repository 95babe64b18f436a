import { describe, expect, it } from 'vitest';
import { createLineChannel, findFitting } from '../../../functions/forwarder/batch-lines.ts';

const limits = { channelBytes: 10, batchBytes: 5, batchLines: 3, batchAge: 1_000 };
const line = (text: string) => ({ type: 'event' as const, text, at: 0, done: () => {} });

describe('a batch', () => {
  it('takes what fits into its bytes and lines', () => {
    expect(findFitting([2, 2, 2], limits)).toEqual({ count: 2, bytes: 4 });
    expect(findFitting([2, 3, 1], limits)).toEqual({ count: 2, bytes: 5 });
    expect(findFitting([1, 1, 1, 1], limits)).toEqual({ count: 3, bytes: 3 });
    expect(findFitting([], limits)).toEqual({ count: 0, bytes: 0 });
  });

  it('takes a line that fits into none', () => {
    expect(findFitting([6, 1], limits)).toEqual({ count: 1, bytes: 6 });
  });

  it('waits until it is full, or its first line has waited for long enough', async () => {
    let timeIsUp = () => {};
    const channel = createLineChannel(limits, () => new Promise<void>((resolve) => (timeIsUp = resolve)));
    await channel.push(line('ab'));
    const old = channel.take();
    await channel.push(line('cd'));
    timeIsUp();
    expect((await old)?.lines.map(({ text }) => text)).toEqual(['ab', 'cd']);
    await channel.push(line('ef'));
    const full = channel.take();
    await channel.push(line('ghi'));
    expect((await full)?.bytes).toBe(5);
  });
});

describe('the channel', () => {
  it('lets nobody push while it is full, and those that wait once a batch is stored', async () => {
    const channel = createLineChannel(limits, () => Promise.resolve());
    await channel.push(line('0123456789'));
    let isIn = false;
    const pushed = channel.push(line('x')).then(() => (isIn = true));
    const batch = await channel.take();
    expect(isIn).toBe(false);
    batch?.release();
    await pushed;
    expect(channel.bytes()).toBe(1);
  });

  it('gives what there is once it is closed, and then nothing', async () => {
    const channel = createLineChannel(limits, () => new Promise(() => {}));
    await channel.push(line('a'));
    channel.close();
    expect((await channel.take())?.bytes).toBe(1);
    expect(await channel.take()).toBeUndefined();
  });
});
