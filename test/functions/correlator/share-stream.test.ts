import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createShares } from '../../../functions/correlator/share-stream.ts';
import { checkProperty } from '../../check-property.ts';

const limit = { burst: 100, perSecond: 10 };

const sendings = fc.array(
  fc.record({
    cluster: fc.constantFrom('calm', 'loud', 'other'),
    takes: fc.integer({ min: 0, max: 100 }),
    pause: fc.integer({ min: 0, max: 20_000 }),
  }),
  { maxLength: 60 },
);

it('no cluster gets more than its burst and its rate, whatever it sends', () =>
  checkProperty(
    fc.property(sendings, (sent) => {
      const shares = createShares(limit);
      const taken = new Map<string, number>();
      let at = 0;
      for (const { cluster, takes, pause } of sent) {
        at += pause;
        const attempt = shares.begin();
        if (attempt.isWithin(cluster, takes, at)) taken.set(cluster, (taken.get(cluster) ?? 0) + takes);
        attempt.keep();
        const most = limit.burst + (at / 1000) * limit.perSecond;
        expect(taken.get(cluster) ?? 0).toBeLessThanOrEqual(most + 1e-6);
      }
    }),
  ));

it('what the others send changes nothing of what a cluster may', () =>
  checkProperty(
    fc.property(sendings, (sent) => {
      const verdictsOfCalm = (others: boolean) => {
        const shares = createShares(limit);
        let at = 0;
        return sent.flatMap(({ cluster, takes, pause }) => {
          at += pause;
          if (!others && cluster !== 'calm') return [];
          const attempt = shares.begin();
          const isWithin = attempt.isWithin(cluster, takes, at);
          attempt.keep();
          return cluster === 'calm' ? [isWithin] : [];
        });
      };
      expect(verdictsOfCalm(true)).toEqual(verdictsOfCalm(false));
    }),
  ));

it('an attempt that fails has taken nothing: what comes again is decided as before', () =>
  checkProperty(
    fc.property(sendings, fc.integer({ min: 1, max: 3 }), (sent, failures) => {
      const shares = createShares(limit);
      const decide = (attempt: ReturnType<typeof shares.begin>) => {
        let at = 0;
        return sent.map(({ cluster, takes, pause }) => {
          at += pause;
          return attempt.isWithin(cluster, takes, at);
        });
      };
      const failed = Array.from({ length: failures }, () => decide(shares.begin()));
      const last = shares.begin();
      const done = decide(last);
      last.keep();
      for (const attempt of failed) expect(attempt).toEqual(done);
    }),
  ));

it('a time before the last one counts as that', () => {
  const shares = createShares(limit).begin();
  expect(shares.isWithin('a', 100, 10_000)).toBe(true);
  expect(shares.isWithin('a', 10, 0)).toBe(false);
  expect(shares.isWithin('a', 10, 11_000)).toBe(true);
  expect(shares.isWithin('a', 1, 11_000)).toBe(false);
});

it('of an attempt that is kept the next one knows', () => {
  const shares = createShares(limit);
  const first = shares.begin();
  first.isWithin('a', 100, 0);
  expect(shares.begin().isWithin('a', 1, 0)).toBe(true);
  first.keep();
  expect(shares.begin().isWithin('a', 1, 0)).toBe(false);
});
