/**
 * What the pipeline promises where its functions run at the same time and stand still, come twice, are turned down or
 * killed at any call: nothing is lost, nothing is told twice in two ways, and what has come before anybody looks is told
 * as one look at everything tells it.
 */
import { hash } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { assemble } from '../../../functions/correlator/causality/assemble.ts';
import { clusterOf } from '../../../infra/local/read-recording.ts';
import type { Cluster, Observation } from '../../../shared/observation.ts';
import { compareSpans, type Span } from '../../../shared/span.ts';
import { checkProperty } from '../../check-property.ts';
import { readRecording } from '../../read-recordings.ts';
import { atTheEnd, event, rollout, snapshot, thing } from './causality/cluster-story.ts';
import { cluster, received, recordsOf } from './pipeline.ts';
import { type Arrival, type Outcome, runInterleaved, type Setting, schedules } from './run-interleaved.ts';

const noon = Date.parse('2026-03-01T12:00:00Z');
const hour = 3_600_000;

const wholeStory = (observations: readonly Observation[], of: Cluster = cluster): Span[] =>
  assemble({ cluster: of, observations, now: atTheEnd })
    .map(({ span }) => span)
    .sort(compareSpans);

/** Of those that are Events; a root that nobody knew of in time has no span. */
const occurrences = (spans: readonly Span[]): string[] =>
  spans
    .filter(({ attributes }) => 'k8s.event.uid' in attributes)
    .map(({ name, spanId }) => `${name} ${spanId}`)
    .sort();

/** In any order, cut into records, and records into batches of two shards, up to so many seconds apart. */
const arrivalsOf = (
  observations: readonly Observation[],
  { from, apart, of = cluster, first = 1 }: { from: number; apart: number; of?: Cluster; first?: number },
): fc.Arbitrary<Arrival[]> => {
  const one = <T>(arbitrary: fc.Arbitrary<T>) => {
    const { length } = observations;
    return fc.array(arbitrary, { minLength: length, maxLength: length });
  };
  return fc
    .record({
      order: fc.shuffledSubarray([...observations], { minLength: observations.length }),
      recordSize: fc.integer({ min: 1, max: Math.ceil(observations.length / 4) }),
      batchSize: fc.integer({ min: 1, max: 4 }),
      shards: one(fc.integer({ min: 0, max: 1 })),
      gaps: one(fc.integer({ min: 0, max: apart })),
    })
    .map(({ order, recordSize, batchSize, shards, gaps }) => {
      const arrivals: Arrival[] = [];
      let at = from;
      for (let start = 0; start < order.length; start += recordSize * batchSize) {
        const batch = order.slice(start, start + recordSize * batchSize);
        const groups: Observation[][] = [];
        for (let i = 0; i < batch.length; i += recordSize) groups.push(batch.slice(i, i + recordSize));
        const shard = shards[arrivals.length]!;
        at += gaps[arrivals.length]! * 1000;
        arrivals.push({ shard, at, event: recordsOf(groups, { shard, first: first + start, of }) });
      }
      return arrivals;
    });
};

const live = (start: number): Omit<Setting, 'arrivals'> => ({
  start,
  assemblyClock: (now) => BigInt(now) * 1_000_000n,
});

describe('what has come before anybody looks', () => {
  const check = async (observations: readonly Observation[], of: Cluster, numRuns: number) => {
    const expected = wholeStory(observations, of);
    const start = noon + hour;
    await checkProperty(
      fc.asyncProperty(
        arrivalsOf(observations, { from: start, apart: 0, of }),
        schedules,
        async (arrivals, schedule) => {
          const setting = { arrivals, start, assemblyClock: () => atTheEnd, isAllThereFirst: true };
          expect(received(await runInterleaved(setting, schedule))).toEqual(expected);
        },
      ),
      numRuns,
    );
  };
  it('a rollout', () => check(rollout(0).observations, cluster, 40));
  it('a Job', async () => {
    const observations = await readRecording('job.jsonl');
    await check(observations, clusterOf(observations), 10);
  });
});

describe('what comes while others look', () => {
  const [web, api] = [rollout(0), rollout(3, 'api')];
  const bare = thing('Pod', 'solo-1');
  const observations = [
    ...web.observations,
    ...api.observations,
    event(1, web.pod, 'Pulling', 'Pulling image "web"'),
    event(4, web.pod, 'Pulled', 'Successfully pulled image "web"'),
    event(5, web.pod, 'Created', 'Created container web'),
    event(6, web.pod, 'Started', 'Started container web'),
    event(2, api.replicaSet, 'FailedCreate', 'quota'),
    event(9, api.pod, 'Unhealthy', 'probe'),
    event(40, api.pod, 'Killing', 'Stopping container api'),
    // Orphans at first.
    snapshot(2, thing('ReplicaSet', 'api-1'), { replicas: 1, resourceVersion: '3' }),
    snapshot(2, thing('Pod', 'web-1-a'), { resourceVersion: '4' }),
    snapshot(0, bare),
    event(1, bare, 'Pulled', 'Successfully pulled image "solo"'),
  ];

  it('two rollouts and a pod of nobody’s: no Event is lost', async () => {
    const expected = occurrences(wholeStory(observations));
    await checkProperty(
      fc.asyncProperty(
        arrivalsOf(observations, { from: noon, apart: 25 }),
        schedules,
        async (arrivals, schedule) => {
          const outcome = await runInterleaved({ ...live(noon), arrivals }, schedule);
          expect(occurrences(received(outcome))).toEqual(expected);
        },
      ),
      25,
    );
  });
});

describe('a crash loop of an hour that is folded hours later, while its owners turn up', () => {
  const app = thing('App', 'shop');
  const deployment = thing('Deployment', 'web', app);
  const replicaSet = thing('ReplicaSet', 'web-1', deployment);
  const pod = thing('Pod', 'web-1-a', replicaSet);
  const round = (minute: number): Observation[] => {
    const message = hash('sha512', `what its log ends with in minute ${minute}`);
    const status = { conditions: [{ type: 'Ready', status: 'False', message }] };
    const told = { uid: 'back-off', count: minute + 1, type: 'Warning' };
    return [
      snapshot(60 * minute, pod, { creationTimestamp: '2026-03-01T12:00:00Z', status }),
      event(60 * minute + 1, pod, 'BackOff', 'Back-off restarting failed container', told),
    ];
  };
  const minutes = Array.from({ length: 52 }, (_, minute) => round(minute));
  const start = noon + 4.5 * hour;
  const later = [
    ...round(270),
    ...round(271),
    ...round(275),
    ...minutes[7]!,
    event(60 * 271, replicaSet, 'FailedCreate', 'quota'),
    snapshot(60 * 272, replicaSet),
    snapshot(60 * 273, deployment),
    snapshot(60 * 274, app),
  ];
  let loop: Outcome;
  beforeAll(async () => {
    const arrivals = minutes.map((told, minute) => ({
      shard: 0,
      at: noon + minute * 60_000,
      event: recordsOf([told], { first: minute + 1 }),
    }));
    // Its last timers come hours late.
    loop = await runInterleaved({ ...live(noon), arrivals, until: noon + 52 * 60_000 }, []);
  });

  it('no Event is lost, none is told again in another way', async () => {
    const expected = occurrences(wholeStory([...minutes.flat(), ...later]));
    let folded = 0;
    await checkProperty(
      fc.asyncProperty(
        arrivalsOf(later, { from: start + 1000, apart: 25, first: 1000 }),
        schedules,
        async (arrivals, schedule) => {
          const { sends, items } = await runInterleaved(
            { ...live(start), arrivals, items: loop.items, timers: loop.timers },
            schedule,
          );
          if (items.some(({ pk }) => pk.startsWith('archive#'))) folded += 1;
          expect(occurrences(received({ sends: [...loop.sends, ...sends] }))).toEqual(expected);
        },
      ),
      8,
    );
    expect(folded).toBeGreaterThan(0);
  });
});
