/** Numbers that rest on each other: who changes one finds here what else has to be. */
import { expect, it } from 'vitest';
import { defaultThresholds, withReleaseGap } from '../../../functions/correlator/thresholds.ts';

const { quiet, slack, margin, maxWait, ownerWait, registration, holdForRelated } = defaultThresholds;
const { retention, sentRetention, outboxRetention, joinRetention, afterTrace } = defaultThresholds;
const { releaseGap, releaseWait, releaseMaxWait } = defaultThresholds;
const hour = 3600;

it('a timer that follows an observation comes after whatever is written until the next one is sent', () =>
  expect(quiet + slack).toBeGreaterThan(2 * margin));
it('who waits for an owner, for registration or for related ones is settled by the max wait, or soon after', () =>
  expect(Math.max(ownerWait, registration, holdForRelated)).toBeLessThanOrEqual(maxWait / 5));
it('that a span was sent is known for longer than anything could tell it again', () =>
  expect(sentRetention).toBeGreaterThanOrEqual(4 * retention));
it('a batch is at hand for longer than a timer that was armed before it is on its way: a quarter of an hour', () =>
  expect(outboxRetention).toBeGreaterThan(900 + quiet + slack + registration + margin));
it('activities find each other for longer than a trace lasts, also by a registration that is half as old', () =>
  expect(joinRetention / 2).toBeGreaterThanOrEqual(hour));
it('a trace is over only when nothing can hang under its spans any more', () =>
  expect(afterTrace).toBeGreaterThan(hour));
it('the root of a change that is stuck is there before its release is sent: an hour, and a quarter of one without a word', () =>
  expect(releaseWait).toBeGreaterThan(hour + 900 + maxWait - quiet));
it('a release is sent while its first change is known, and not before one that is over by itself', () => {
  expect(releaseMaxWait).toBeLessThan(retention / 2);
  expect(releaseMaxWait).toBeGreaterThan(releaseGap + releaseWait);
  // The longest that the setting takes.
  const longest = withReleaseGap(defaultThresholds, 7200);
  expect(releaseMaxWait).toBeGreaterThan(longest.releaseGap + longest.releaseWait);
});
