import { describe, expect, it } from 'vitest';
import { ApiError } from '../../../functions/forwarder/kubernetes/api-server.ts';
import type { Remark } from '../../../functions/forwarder/tell-remarks.ts';
import { createHealth } from '../../../functions/forwarder/watch-health.ts';

const minute = 60_000;

function createPatient() {
  let now = 0;
  let full = false;
  const told: Remark[] = [];
  const health = createHealth(
    () => now,
    (remark) => told.push(remark),
    { stuckAfter: 10 * minute, notShippingAfter: minute },
  );
  const begin = () =>
    health.began({
      channel: { bytes: () => 0, isFull: () => full },
      positions: { openSince: () => undefined },
      cachedObjects: () => 0,
      customKinds: () => new Map(),
    });
  begin();
  return {
    health,
    told,
    begin,
    wait: (minutes: number) => {
      now += minutes * minute;
    },
    fill: (is: boolean) => {
      full = is;
    },
  };
}

const again: Remark = { type: 'put-again', reason: 'network', wait: 1_000 };
const shipped: Remark = { type: 'shipped', events: 1, snapshots: 0, records: 1, bytes: 1, lags: [1] };

describe('a watch is stuck', () => {
  it('when it is silent for long, and neither when it says something nor when it is tried anew', () => {
    const { health, wait } = createPatient();
    health.heard('pods');
    wait(9);
    expect(health.stuck()).toEqual([]);
    health.heard('pods');
    wait(9);
    health.note({ type: 'restarted', resource: 'pods', reason: 'network', wait: 1_000 });
    wait(9);
    expect(health.stuck()).toEqual([]);
    wait(2);
    expect(health.stuck()).toEqual(['the watch of pods is silent']);
  });

  it('not while it waits for a resource that the cluster does not have', () => {
    const { health, wait } = createPatient();
    health.note({ type: 'unknown-resource', resource: 'rollouts.argoproj.io', wait: 20 * minute });
    wait(25);
    expect(health.stuck()).toEqual([]);
    wait(10);
    expect(health.stuck()).toHaveLength(1);
  });

  it('not where its kind is forbidden or gone: it is looked for anew', () => {
    const { health, wait } = createPatient();
    health.heard('rollouts.argoproj.io');
    health.note({ type: 'kind-unavailable', resource: 'rollouts.argoproj.io', why: 'forbidden' });
    wait(60);
    expect([health.stuck(), health.notReady()]).toEqual([[], []]);
  });

  it('not while nobody reads because nothing can be shipped, and not at once afterwards', () => {
    const { health, wait, fill } = createPatient();
    health.heard('pods');
    fill(true);
    wait(60);
    expect(health.stuck()).toEqual([]);
    fill(false);
    wait(5);
    expect(health.stuck()).toEqual([]);
  });

  it('not on a replica that waits for its turn', () => {
    const { health, wait } = createPatient();
    health.heard('pods');
    health.ended();
    wait(60);
    expect(health.stuck()).toEqual([]);
  });
});

describe('a stream that is away', () => {
  it('is told once, after a minute, and once when it is back; a restart would not help', () => {
    const { health, wait, told } = createPatient();
    health.putting();
    health.note(again);
    wait(0.5);
    health.note(again);
    expect([told.length, health.notReady()]).toEqual([0, []]);
    wait(1);
    health.note(again);
    wait(1);
    health.note(again);
    expect(told).toEqual([{ type: 'not-shipping', seconds: 90, reason: 'network' }]);
    expect(health.notReady()).toEqual([
      expect.stringMatching(/^nothing could be shipped for 150 s: .*stream.region/),
    ]);
    expect(health.failing()).toEqual({ reason: 'network', seconds: 150 });
    expect(health.stuck()).toEqual([]);
    health.note(shipped);
    expect(told.slice(1)).toEqual([{ type: 'shipping-again', seconds: 150 }]);
    expect(health.notReady()).toEqual([]);
    expect(health.failing()).toBeUndefined();
  });

  it('is told with what it is now', () => {
    const { health, wait } = createPatient();
    health.note(again);
    wait(2);
    health.note({ ...again, reason: 'denied' });
    expect(health.notReady()).toEqual([expect.stringContaining('kinesis:PutRecords')]);
  });

  it('is something else than a put that never ends', () => {
    const { health, wait } = createPatient();
    health.putting();
    wait(11);
    expect(health.stuck()).toEqual(['a put to the stream does not end']);
    health.note(shipped);
    expect(health.stuck()).toEqual([]);
  });
});

describe('a replica is not ready', () => {
  const refusal = (resource: string): Remark => ({
    type: 'refused',
    resource,
    status: 403,
    wait: 1_000,
    error: new ApiError('events is forbidden', { status: 403, reason: 'Forbidden' }),
  });

  it('while it may not watch Events, and is once it may', () => {
    const { health } = createPatient();
    health.note(refusal('events'));
    expect(health.notReady()).toEqual(['Events may not be watched: a right is missing']);
    health.heard('events');
    expect(health.notReady()).toEqual([]);
  });

  it('while it can neither lead nor follow, and is once it can', () => {
    const { health } = createPatient();
    const trouble: Remark = { type: 'trouble', error: new Error('leases is forbidden') };
    health.note(trouble);
    expect(health.notReady()).toEqual([]);
    health.ended();
    for (const mended of [
      { type: 'following', holder: 'b' },
      { type: 'leading', checkpoint: undefined },
    ] as const) {
      health.note(trouble);
      expect(health.notReady()).toEqual([
        'the Lease cannot be had: a right is missing, or the API server does not answer',
      ]);
      health.note(mended);
      expect(health.notReady()).toEqual([]);
    }
  });

  it('but is where another right was taken away: traces say less', () => {
    const { health } = createPatient();
    health.note(refusal('nodes'));
    expect(health.notReady()).toEqual([]);
  });
});
