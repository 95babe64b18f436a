import { describe, expect, it } from 'vitest';
import { createRateGuard } from '../../../functions/forwarder/guard-rate.ts';

const web = { kind: 'Pod', namespace: 'shop', name: 'web', uid: 'u1' };
const other = { ...web, uid: 'u2' };
/** Of the cluster as a whole, which says little. */
const cluster = { burst: 1_000, perSecond: 1_000 };

describe('the rate guard', () => {
  it('lets a burst pass, then so many a minute, for each object', () => {
    let now = 0;
    const guard = createRateGuard({ burst: 3, perMinute: 60, cluster }, () => now);
    const passed = (subject: typeof web) =>
      Array.from({ length: 5 }, () => guard(subject)).filter((exceeded) => exceeded === undefined).length;
    expect(passed(web)).toBe(3);
    expect(passed(other)).toBe(3);
    now += 2_000;
    expect(passed(web)).toBe(2);
    now += 3_600_000;
    expect(passed(web)).toBe(3);
  });

  it('knows an object without a UID by its name', () => {
    const guard = createRateGuard({ burst: 1, perMinute: 1, cluster }, () => 0);
    const { uid: _, ...named } = web;
    expect([guard(named), guard({ ...named, name: 'api' }), guard(named)]).toEqual([
      undefined,
      undefined,
      'rate',
    ]);
  });

  it('remembers so many objects and no more: the one that was quiet longest starts anew', () => {
    const guard = createRateGuard({ burst: 1, perMinute: 1, cluster }, () => 0, 2);
    const said = ['a', 'b', 'a', 'c', 'a', 'b'].map((uid) => guard({ ...web, uid }));
    expect(said).toEqual([undefined, undefined, 'rate', undefined, 'rate', undefined]);
  });

  it('lets a cluster say no more than that in all, whatever it speaks of', () => {
    let now = 0;
    const guard = createRateGuard(
      { burst: 2, perMinute: 60, cluster: { burst: 10, perSecond: 5 } },
      () => now,
    );
    const said = Array.from({ length: 12 }, (_, i) => guard({ ...web, uid: `u${i}` }));
    expect(said.filter((exceeded) => exceeded === undefined)).toHaveLength(10);
    expect(said.slice(10)).toEqual(['cluster-rate', 'cluster-rate']);
    now += 1_000;
    const later = Array.from({ length: 7 }, (_, i) => guard({ ...web, uid: `v${i}` }));
    expect(later.filter((exceeded) => exceeded === undefined)).toHaveLength(5);
  });

  it('takes nothing of what a cluster may say for what one object says in vain', () => {
    const guard = createRateGuard({ burst: 1, perMinute: 1, cluster: { burst: 2, perSecond: 1 } }, () => 0);
    for (let i = 0; i < 50; i += 1) guard(web);
    expect(guard(other)).toBeUndefined();
  });
});
