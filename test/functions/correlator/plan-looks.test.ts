import { describe, expect, it } from 'vitest';
import { type Own, planLooks, type Seen } from '../../../functions/correlator/plan-looks.ts';
import { defaultWaits } from '../../../functions/correlator/ports.ts';
import { lookItem, nameChunks, readActivity } from '../../../functions/correlator/store-items.ts';

const now = Date.parse('2026-03-01T12:00:00Z');
const news: Own = { sent: 3, isLook: false, found: 10 };
const look: Own = { sent: 0, isLook: true, found: 10 };

/** Of others one that has settled and looks in so many seconds, or not at all. */
function other(unsent: Partial<Seen['unsent']>, looksIn?: number, seen = nameChunks([])): Seen {
  const next = looksIn === undefined ? {} : { next: now + looksIn * 1000 };
  const member = readActivity('c1/other', [lookItem('c1/other', { seen, ...next }, undefined, 10 ** 10)]);
  return { member, unsent: { final: 0, open: 0, ...unsent } };
}

const plan = (seen: Seen, own: Own): string => {
  const { soon, closing } = planLooks([seen], own, defaultWaits, now);
  return [...soon.map(() => 'soon'), ...closing.map(() => 'closing')].join();
};

describe('somebody came, and another', () => {
  it('has nothing to send: does not look', () => expect(plan(other({}), news)).toBe(''));
  it('can send something now: looks soon', () => expect(plan(other({ final: 1 }, 600), news)).toBe('soon'));
  it('is about to look anyway', () => expect(plan(other({ final: 1 }, 5), news)).toBe(''));
  it('is looking now', () => expect(plan(other({ final: 1 }, -5), news)).toBe(''));
  it('looked before one could be found there: looks soon', () =>
    expect(plan(other({ final: 1 }, -5), { ...news, found: 0 })).toBe('soon'));
  it('has an open trace, and no look to come: looks when it closes', () =>
    expect(plan(other({ open: 1 }), news)).toBe('closing'));
  it('has an open trace, and looks when it closes', () =>
    expect(plan(other({ open: 1 }, 600), news)).toBe(''));
  it('has news of its own, and so a timer', () =>
    expect(plan(other({ final: 1, open: 1 }, undefined, 'less'), news)).toBe(''));
});

describe('at a look, another', () => {
  it('has an open trace: its look is taken over', () =>
    expect(plan(other({ open: 1 }, 600), look)).toBe('closing'));
  it('has an open trace, and is looking as well', () => expect(plan(other({ open: 1 }, -5), look)).toBe(''));
  it('seems to have something to send, where nothing was sent: not soon, or the two would never stop', () =>
    expect(plan(other({ final: 1 }), look)).toBe('closing'));
});
