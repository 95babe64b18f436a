import { describe, expect, it } from 'vitest';
import { ownTime, refuseTooOld } from '../../../functions/correlator/horizon.ts';
import { decodeBatch, encodeBatches } from '../../../shared/batch-codec.ts';
import { event, snapshot, thing } from './causality/cluster-story.ts';

const noon = Date.parse('2026-03-01T12:00:00Z');
const day = 24 * 3600;
const pod = thing('Pod', 'a');

describe('the own time of', () => {
  it('an occurrence is its last timestamp, whenever it was seen', () => {
    const repeated = event(10, pod, 'BackOff', 'again', {
      seen: 5_000,
      firstTimestamp: '2026-02-01T00:00:00Z',
    });
    expect(ownTime(repeated)).toBe(noon + 10_000);
  });

  it('an Event of a series is the last that was observed, else its event time', () => {
    const { lastTimestamp: _, firstTimestamp: __, ...rest } = event(10, pod, 'BackOff', 'again').event;
    const eventTime = '2026-03-01T12:00:01.5Z';
    const lastObservedTime = '2026-03-01T12:00:03Z';
    const seen = { type: 'event', observedAt: '2026-03-01T13:00:00Z' } as const;
    expect(ownTime({ ...seen, event: { ...rest, eventTime } })).toBe(noon + 1_500);
    expect(ownTime({ ...seen, event: { ...rest, eventTime, lastObservedTime } })).toBe(noon + 3_000);
    expect(ownTime({ ...seen, event: rest })).toBe(noon + 3_600_000);
  });

  it('an object is when it was seen, however old the object is', () => {
    expect(ownTime(snapshot(60, pod, { creationTimestamp: '2020-01-01T00:00:00Z' }))).toBe(noon + 60_000);
  });
});

it('what is older than the horizon is refused to the second, and what is of the future is not', () => {
  const refuse = refuseTooOld(noon + day * 1000, day);
  expect(refuse(event(0, pod, 'Started', 'x'))).toBeUndefined();
  expect(refuse(event(-1, pod, 'Started', 'x'))).toBe('is older than 24 hours');
  expect(refuse(snapshot(-1, pod))).toBe('is older than 24 hours');
  expect(refuse(event(9 * day, pod, 'Started', 'x'))).toBeUndefined();
});

it('the old ones of a record are set aside in one piece, the others are read', () => {
  const told = [-7_200, -3_600, 0, 60].map((at) => event(at, pod, 'Started', 'x'));
  const [record] = encodeBatches({ uid: 'c1' }, told).records;
  const { observations, poison } = decodeBatch(record!, refuseTooOld(noon + day * 1000, day));
  expect(observations).toEqual(told.slice(2));
  expect(poison).toMatchObject({ count: 2, reasons: ['is older than 24 hours'] });
});
