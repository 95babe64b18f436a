import { describe, expect, it } from 'vitest';
import {
  heldByAnother,
  holderOf,
  newLease,
  observeLease,
  releasedLease,
  renewedLease,
  takenLease,
} from '../../../../functions/forwarder/kubernetes/lease-object.ts';

const ours = { name: 'rootspan', namespace: 'monitoring', identity: 'pod-a', leaseDuration: 10_000 };
const theirs = { ...ours, identity: 'pod-b', leaseDuration: 15_000 };
const noon = Date.UTC(2026, 0, 1, 12);

describe('a Lease of another one', () => {
  const lease = newLease(theirs, noon);

  it('is left alone for as long as its holder said, from when it was first seen so', () => {
    const observed = observeLease(undefined, lease, 1_000);
    expect(heldByAnother(lease, observed, ours, 1_000)).toEqual({ holder: 'pod-b', left: 15_000 });
    expect(heldByAnother(lease, observed, ours, 16_000)).toEqual({ holder: 'pod-b', left: 0 });
  });

  it('counts anew with each renewal, whatever the clocks of the two say', () => {
    const observed = observeLease(undefined, lease, 1_000);
    expect(observeLease(observed, newLease(theirs, noon), 9_000)).toBe(observed);
    const renewed = renewedLease(lease, theirs, noon + 1, undefined);
    expect(observeLease(observed, renewed, 9_000).at).toBe(9_000);
  });
});

describe('a Lease that is ours, or nobody’s', () => {
  it('is held by no other', () => {
    const lease = newLease(ours, noon);
    const observed = observeLease(undefined, lease, 0);
    expect(heldByAnother(lease, observed, ours, 0).holder).toBeUndefined();
    const released = releasedLease(lease, ours, noon, undefined);
    expect(holderOf(released)).toBe('');
    expect(heldByAnother(released, observed, theirs, 0).holder).toBeUndefined();
  });

  it('counts a transition when it passes to another one, and keeps the time of it otherwise', () => {
    const lease = newLease(ours, noon);
    expect(takenLease(lease, theirs, noon + 1_000).spec).toEqual({
      holderIdentity: 'pod-b',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T12:00:01.000000Z',
      renewTime: '2026-01-01T12:00:01.000000Z',
      leaseTransitions: 1,
    });
    expect(takenLease(lease, ours, noon + 1_000).spec).toMatchObject({
      acquireTime: '2026-01-01T12:00:00.000000Z',
      leaseTransitions: 0,
    });
  });
});
