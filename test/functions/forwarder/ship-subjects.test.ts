import { describe, expect, it } from 'vitest';
import { isLookUpDue } from '../../../functions/forwarder/ship-subjects.ts';

const settings = { shipAgainAfter: 12 * 3_600_000, lookUpAgainAfter: 60_000 };
const now = 1_700_000_000_000;
const neverAsked = { isUnderWay: false, lastAt: undefined };
const justShipped = { deleted: false, version: '100', shippedAt: now - 1_000 };

describe('an object that is not watched is looked up', () => {
  it('where nothing is known of it', () => {
    expect(isLookUpDue({}, undefined, neverAsked, now, settings)).toBe(true);
  });

  it('and joins the look-up that is under way, but not where something is known', () => {
    const underWay = { isUnderWay: true, lastAt: undefined };
    expect(isLookUpDue({}, undefined, underWay, now, settings)).toBe(true);
    expect(isLookUpDue({}, justShipped, underWay, now, settings)).toBe(false);
  });

  it('where its Event speaks of a newer version', () => {
    expect(isLookUpDue({ resourceVersion: '101' }, justShipped, neverAsked, now, settings)).toBe(true);
    expect(isLookUpDue({ resourceVersion: '100' }, justShipped, neverAsked, now, settings)).toBe(false);
    expect(isLookUpDue({}, justShipped, neverAsked, now, settings)).toBe(false);
  });

  it('where what is known goes again anyway', () => {
    const longAgo = { ...justShipped, shippedAt: now - settings.shipAgainAfter - 1 };
    expect(isLookUpDue({}, longAgo, neverAsked, now, settings)).toBe(true);
  });

  it('not again within a minute, whatever its Events say', () => {
    const asked = (ago: number) => ({ isUnderWay: false, lastAt: now - ago });
    expect(isLookUpDue({}, undefined, asked(59_999), now, settings)).toBe(false);
    expect(isLookUpDue({ resourceVersion: '101' }, justShipped, asked(59_999), now, settings)).toBe(false);
    expect(isLookUpDue({}, undefined, asked(60_000), now, settings)).toBe(true);
  });

  it('not once it is deleted', () => {
    const deleted = { ...justShipped, deleted: true };
    expect(isLookUpDue({ resourceVersion: '101' }, deleted, neverAsked, now, settings)).toBe(false);
  });
});
