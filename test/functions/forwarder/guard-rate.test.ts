import { describe, expect, it } from 'vitest';
import { createRateGuard } from '../../../functions/forwarder/guard-rate.ts';

const web = { kind: 'Pod', namespace: 'shop', name: 'web', uid: 'u1' };
const other = { ...web, uid: 'u2' };

describe('the rate guard', () => {
  it('lets a burst pass, then so many a minute, for each object', () => {
    let now = 0;
    const guard = createRateGuard({ burst: 3, perMinute: 60 }, () => now);
    const passed = (subject: typeof web) =>
      Array.from({ length: 5 }, () => guard(subject)).filter(Boolean).length;
    expect(passed(web)).toBe(3);
    expect(passed(other)).toBe(3);
    now += 2_000;
    expect(passed(web)).toBe(2);
    now += 3_600_000;
    expect(passed(web)).toBe(3);
  });

  it('knows an object without a UID by its name', () => {
    const guard = createRateGuard({ burst: 1, perMinute: 1 }, () => 0);
    const { uid: _, ...named } = web;
    expect([guard(named), guard({ ...named, name: 'api' }), guard(named)]).toEqual([true, true, false]);
  });

  it('remembers so many objects and no more: the one that was quiet longest starts anew', () => {
    const guard = createRateGuard({ burst: 1, perMinute: 1 }, () => 0, 2);
    const said = ['a', 'b', 'a', 'c', 'a', 'b'].map((uid) => guard({ ...web, uid }));
    expect(said).toEqual([true, true, false, true, false, true]);
  });
});
