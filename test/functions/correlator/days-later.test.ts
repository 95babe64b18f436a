/**
 * A pod that crashed for minutes, hours or a day, and is heard of again a day, two or eight days later, when some of what is stored has
 * expired: nothing is told twice, and nothing of what was sent comes back in another trace.
 */
import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../../shared/observation.ts';
import type { Span } from '../../../shared/span.ts';
import { type Arrival, arrive, noon, startLive } from './arrivals.ts';
import { astrayIn } from './broken-traces.ts';
import { event, onContainer, rollout, snapshot } from './causality/cluster-story.ts';
import { received } from './pipeline.ts';

const hour = 3600;
const day = 24 * hour;

const { observations, pod } = rollout(0);
/** As the forwarder ships them with an Event whose subject it has not told of for half of the retention. */
const described = observations.filter(({ type }) => type === 'object');

const rfc = (seconds: number): string => `${new Date(noon + seconds * 1000).toISOString().slice(0, 19)}Z`;
const created = { creationTimestamp: rfc(0), nodeName: 'n1' };

interface Loop {
  hours: number;
  /** Seconds from one round to the next. */
  every: number;
  /** Each round's Event says something else, at length. */
  isLong?: boolean;
  /** Each round's container is told of by the pod's status. */
  hasStatus?: boolean;
}

function* rounds({ hours, every, isLong = false, hasStatus = false }: Loop): Iterable<Arrival> {
  yield { at: 0, told: observations };
  let describedAt = 0;
  for (let at = every, round = 1; at < hours * hour; at += every, round += 1) {
    const log = isLong ? [1, 2, 3, 4].map((part) => hash('sha512', `${round} ${part}`)).join() : '';
    const told: Observation[] = [
      event(at + 1, pod, 'Started', 'Started container app', {
        ...onContainer(pod),
        uid: 'started',
        count: round,
        firstTimestamp: rfc(every + 1),
      }),
      event(at + 4, pod, 'BackOff', `Back-off restarting failed container app${log}`, {
        ...onContainer(pod),
        uid: 'back-off',
        count: round,
        type: 'Warning',
        firstTimestamp: rfc(every + 4),
      }),
    ];
    if (hasStatus) told.push(snapshot(at + 3, pod, { ...created, status: crashed(at, round) }));
    if (at - describedAt >= 12 * hour) {
      describedAt = at;
      told.push(...described);
    }
    yield { at: at + 5, told };
  }
}

const crashed = (at: number, round: number) => ({
  phase: 'Running',
  conditions: [{ type: 'Ready', status: 'False' as const, reason: 'ContainersNotReady' }],
  containers: [
    {
      name: 'app',
      restarts: round,
      waiting: 'CrashLoopBackOff',
      lastTerminated: { reason: 'Error', exitCode: 1, startedAt: rfc(at + 1), finishedAt: rfc(at + 3) },
    },
  ],
});

const keyOf = ({ spanId, traceId, parentSpanId }: Span): string => `${spanId} ${traceId} ${parentSpanId}`;

/** Sends after each other are compared as they come: `received` finds two that differ. */
async function check(loop: Loop): Promise<void> {
  const pipeline = startLive();
  await arrive(pipeline, rounds(loop));
  await pipeline.runTimers();
  for (const later of [1, 2, 8]) {
    const at = loop.hours * hour + later * day + 300;
    const before = pipeline.sends.flat().length;
    const again = event(at, pod, 'Unhealthy', `Readiness probe failed, ${later} days later`);
    await arrive(pipeline, [{ at: at + 1, told: [...described, again] }]);
    await pipeline.runTimers();
    const [first, ...rest] = pipeline.sends.flat().slice(before);
    expect(first?.name, `${later} days later`).toBe('Pod.Unhealthy');
    expect(
      rest.map(({ name }) => name),
      `${later} days later`,
    ).toEqual([]);
  }
  const spans = received(pipeline);
  expect(pipeline.sends.flat().map(keyOf).sort()).toEqual(spans.map(keyOf).sort());
  expect(astrayIn(spans)).toEqual([]);
}

describe.each<Loop>([
  { hours: 0.5, every: 15 },
  { hours: 0.6, every: 15, isLong: true, hasStatus: true },
  { hours: 1, every: 20, isLong: true },
  { hours: 1, every: 60, hasStatus: true },
  { hours: 3, every: 60, isLong: true, hasStatus: true },
  { hours: 3, every: 300 },
  { hours: 12, every: 300, isLong: true, hasStatus: true },
  { hours: 26, every: 300, hasStatus: true },
])('$hours hours, a round each $every s, long: $isLong, with its status: $hasStatus', (loop) => {
  it('nothing is told again', () => check(loop), 180_000);
});
