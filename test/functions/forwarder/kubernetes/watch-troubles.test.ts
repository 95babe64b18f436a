import { describe, expect, it } from 'vitest';
import { ApiError, SilentConnection } from '../../../../functions/forwarder/kubernetes/api-server.ts';
import {
  classify,
  judgeEnd,
  smoothCourse,
  waitFor,
} from '../../../../functions/forwarder/kubernetes/watch-troubles.ts';

const settings = {
  backoff: { first: 500, most: 30_000 },
  unknownResourceWait: 300_000,
  goodStretch: 10_000,
};

describe('how a watch ended', () => {
  it('is no trouble where the server closed it after a while, and one where it closes at once', () => {
    const closed = { hasMoved: true, failure: undefined };
    expect(judgeEnd(smoothCourse, { ...closed, lasted: 1_000 }, settings).trouble.kind).toBe('none');
    expect(judgeEnd(smoothCourse, { ...closed, lasted: 999 }, settings).trouble.kind).toBe('closed');
  });

  it('clears earlier troubles where it lasted', () => {
    const troubled = { ...smoothCourse, troubles: 5 };
    const end = { hasMoved: true, failure: classify(new Error('reset')) };
    expect(judgeEnd(troubled, { ...end, lasted: 9_999 }, settings).course.troubles).toBe(5);
    expect(judgeEnd(troubled, { ...end, lasted: 10_000 }, settings).course.troubles).toBe(0);
  });

  it('asks for the history after one that lasted and told nothing, until one can be asked', () => {
    const silent = { lasted: 180_000, hasMoved: false, failure: classify(new SilentConnection()) };
    const { course } = judgeEnd(smoothCourse, silent, settings);
    expect(course.wasSilent).toBe(true);
    const away = { lasted: 10, hasMoved: false, failure: classify(new Error('refused')) };
    expect(judgeEnd(course, away, settings).course.wasSilent).toBe(true);
    expect(judgeEnd(course, { ...silent, hasMoved: true }, settings).course.wasSilent).toBe(false);
  });

  it('counts how often the same line could not be read', () => {
    const malformed = { lasted: 10, failure: { kind: 'malformed' as const } };
    const once = judgeEnd(smoothCourse, { ...malformed, hasMoved: true }, settings).course;
    const twice = judgeEnd(once, { ...malformed, hasMoved: false }, settings).course;
    expect([once.unreadable, twice.unreadable]).toEqual([1, 2]);
    expect(judgeEnd(twice, { ...malformed, hasMoved: true }, settings).course.unreadable).toBe(1);
  });
});

describe('the pause after a trouble', () => {
  const answer = (status: number, retryAfterSeconds?: number) =>
    classify(new ApiError('no', { status, retryAfterSeconds }));
  const wait = (trouble: ReturnType<typeof classify>, before: number, random = 0) =>
    waitFor(trouble, before, settings, () => random);

  it('doubles, with up to as much again at random, up to the most', () => {
    expect([0, 1, 2, 20, 2_000].map((before) => wait(answer(500), before))).toEqual([
      500, 1_000, 2_000, 30_000, 30_000,
    ]);
    expect(wait(answer(500), 0, 0.5)).toBe(750);
  });

  it('is none after silence or a history that is gone, unless that happens again', () => {
    expect(wait(answer(410), 0)).toBe(0);
    expect(wait(classify(new SilentConnection()), 0)).toBe(0);
    expect(wait(answer(410), 1)).toBe(1_000);
  });

  it('is longer for what the cluster does not have', () => {
    expect(wait(answer(404), 20)).toBe(300_000);
  });

  it('is what the server asks for, but for five minutes at most', () => {
    expect(wait(answer(429, 20), 0)).toBe(20_000);
    expect(wait(answer(429, 86_400), 0)).toBe(300_000);
  });
});
