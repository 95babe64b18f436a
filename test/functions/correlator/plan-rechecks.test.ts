import { describe, expect, it } from 'vitest';
import { toActivity } from '../../../functions/correlator/activity.ts';
import { nameChunks, recheckItem } from '../../../functions/correlator/items.ts';
import { type Own, planRechecks, type Seen } from '../../../functions/correlator/plan-rechecks.ts';
import { defaultThresholds } from '../../../functions/correlator/thresholds.ts';

const now = Date.parse('2026-03-01T12:00:00Z');
const news: Own = { sent: 3, isRecheck: false, found: 10 };
const recheck: Own = { sent: 0, isRecheck: true, found: 10 };

/** Another one that has settled and is checked again in so many seconds, or not at all. What is open of it closes in 600. */
function other(unsent: Partial<Seen['unsent']>, checkedIn?: number, seen = nameChunks([])): Seen {
  const next = checkedIn === undefined ? undefined : now + checkedIn * 1000;
  const item = recheckItem('c1/other', { seen, next, acknowledged: undefined }, undefined, 10 ** 10);
  const closesAt = unsent.open === undefined ? undefined : now + 600_000;
  return { activity: toActivity('c1/other', [item]), unsent: { final: 0, open: 0, ...unsent }, closesAt };
}

const plan = (seen: Seen, own: Own): string => {
  const { soon, closing } = planRechecks([seen], own, defaultThresholds, now);
  return [...soon.map(() => 'soon'), ...closing.map(() => 'closing')].join();
};

describe('somebody came, and another', () => {
  it('has nothing to send: is not checked', () => expect(plan(other({}), news)).toBe(''));
  it('can send something now: soon', () => expect(plan(other({ final: 1 }, 600), news)).toBe('soon'));
  it('is about to be checked anyway', () => expect(plan(other({ final: 1 }, 5), news)).toBe(''));
  it('is being checked now', () => expect(plan(other({ final: 1 }, -5), news)).toBe(''));
  it('was checked before one could be found in the registry: soon', () =>
    expect(plan(other({ final: 1 }, -5), { ...news, found: 0 })).toBe('soon'));
  it('has an open trace, and no recheck to come: when it closes', () =>
    expect(plan(other({ open: 1 }), news)).toBe('closing'));
  it('has an open trace, and is checked when it closes', () =>
    expect(plan(other({ open: 1 }, 600), news)).toBe(''));
  it('has an open trace, and is checked only long after it closes', () =>
    expect(plan(other({ open: 1 }, 700), news)).toBe('closing'));
  it('has news of its own, and so a timer', () =>
    expect(plan(other({ final: 1, open: 1 }, undefined, 'less'), news)).toBe(''));
});

describe('at a recheck, another', () => {
  it('has an open trace: its recheck is taken over', () =>
    expect(plan(other({ open: 1 }, 600), recheck)).toBe('closing'));
  it('has an open trace, and is being checked as well', () =>
    expect(plan(other({ open: 1 }, -5), recheck)).toBe(''));
  it('seems to have something to send, where nothing was sent: not soon, or the two would never stop', () =>
    expect(plan(other({ final: 1 }), recheck)).toBe('closing'));
});
