/**
 * At least once: SQS may hand a timer out twice at once. One is done with it and deletes it; the other may die at any call after that,
 * and nobody brings the message again. And what comes again comes hours later, from a stream or a queue that was away.
 */
import { describe, expect, it } from 'vitest';
import type { Timer } from '../../../functions/correlator/ports.ts';
import { createMemoryStore } from '../../../functions/correlator/store-memory.ts';
import type { Observation } from '../../../shared/observation.ts';
import { noon, startLive } from './arrivals.ts';
import { astrayIn } from './broken-traces.ts';
import { event, rollout, snapshot, thing } from './causality/cluster-story.ts';
import { type Pipeline, received, recordsOf } from './pipeline.ts';

const { observations, pod } = rollout(0);
const started = event(14, pod, 'Started', 'Started container app');

const namesOf = (pipeline: Pipeline): string[] =>
  received(pipeline)
    .map(({ name, spanId }) => `${name} ${spanId}`)
    .sort();

/** The timer of which two come: the next one that is due. */
async function takeNext(pipeline: Pipeline): Promise<Timer> {
  pipeline.timers.sort((a, b) => a.dueAt - b.dueAt);
  const timer = pipeline.timers.shift()!;
  pipeline.now = Math.max(pipeline.now, timer.dueAt);
  return timer;
}

/** The timer of a rollout whose container starts so many seconds before it is due. */
async function takeAfterStart(pipeline: Pipeline, seconds: number): Promise<Timer> {
  await pipeline.ingest(recordsOf([observations]));
  const timer = await takeNext(pipeline);
  pipeline.now = timer.dueAt - seconds * 1000;
  await pipeline.ingest(recordsOf([[started]], { first: 2 }));
  pipeline.now = timer.dueAt;
  return timer;
}

interface Story {
  /** Until two come for one timer. */
  begin: (pipeline: Pipeline) => Promise<Timer>;
  /** What comes after the second has begun and before the first one does. */
  news?: (pipeline: Pipeline) => Promise<void>;
  /** Seconds that the second stands still. */
  standsStill: number;
  /** How the first is done, where it is done before the second begins. */
  firstIs: 'postponed' | 'left to another' | 'sent';
}

const stories: Record<string, Story> = {
  'the first is postponed: it was not quiet yet': {
    begin: (pipeline) => takeAfterStart(pipeline, 15),
    standsStill: 6,
    firstIs: 'postponed',
  },
  'the first leaves it to the timer of what came last': {
    begin: (pipeline) => takeAfterStart(pipeline, 3),
    standsStill: 17.5,
    firstIs: 'left to another',
  },
  'the first is superseded by the timer of what came since': {
    async begin(pipeline) {
      await pipeline.settle(await takeAfterStart(pipeline, 15));
      return takeNext(pipeline);
    },
    news: (pipeline) =>
      pipeline.ingestUntilDone(recordsOf([[event(26, pod, 'Unhealthy', 'x')]], { first: 3 })),
    standsStill: 21,
    firstIs: 'left to another',
  },
  'the first sends it': {
    async begin(pipeline) {
      await pipeline.ingest(recordsOf([[...observations, started]]));
      return takeNext(pipeline);
    },
    standsStill: 1,
    firstIs: 'sent',
  },
  'the first closes the trace': {
    async begin(pipeline) {
      await pipeline.ingest(recordsOf([[...observations, started]]));
      await pipeline.runTimers(noon + 60_000);
      return takeNext(pipeline);
    },
    news: (pipeline) =>
      pipeline.ingestUntilDone(recordsOf([[event(900, pod, 'Unhealthy', 'x')]], { first: 3 })),
    standsStill: 25,
    firstIs: 'left to another',
  },
  'the first rechecks what is related': {
    async begin(pipeline) {
      const node = { ...thing('Node', 'n1'), uid: 'n1' };
      const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }];
      const evicted: Observation[] = [
        snapshot(1, pod, { nodeName: 'n1', status: { conditions } }),
        event(2, pod, 'Killing', 'Stopping container app'),
      ];
      const cordon = event(0, node, 'NodeNotSchedulable', 'x', { namespace: 'default' });
      await pipeline.ingest(recordsOf([[snapshot(0, node), cordon]]));
      await pipeline.ingest(recordsOf([[...observations, ...evicted]], { first: 2 }));
      await pipeline.runTimers(noon + 60_000);
      return takeNext(pipeline);
    },
    standsStill: 10,
    firstIs: 'sent',
  },
};

/**
 * The second begins; at its n-th call (0: before it begins) the first comes and is done; then the second goes on, and dies at its
 * `dies`-th call. How many calls it made.
 */
async function run(story: Story, stands: number, dies: { at: number; when: 'before' | 'after' }) {
  let isSecond = false;
  let calls = 0;
  const first = async (at: Pipeline) => {
    isSecond = false;
    await story.news?.(at);
    const before = { timers: at.timers.length, sends: at.sends.length };
    expect(await at.settle(timer)).toBe(true);
    if (stands === 0) expect(howDone(at, before, timer)).toBe(story.firstIs);
    at.wait(story.standsStill);
    isSecond = true;
  };
  const pipeline = startLive({
    crash: () => {
      if (!isSecond) return undefined;
      calls += 1;
      return calls > dies.at ? 'before' : calls === dies.at ? dies.when : undefined;
    },
    meanwhile: async (_, at) => {
      if (isSecond && calls === stands) await first(at);
    },
  });
  const timer = await story.begin(pipeline);
  isSecond = true;
  if (stands === 0) await first(pipeline);
  await pipeline.settle(timer);
  isSecond = false;
  await pipeline.runTimers();
  return { pipeline, calls };
}

function howDone(
  { timers, sends, remarks }: Pipeline,
  before: { timers: number; sends: number },
  { id }: Timer,
): Story['firstIs'] {
  if (sends.length > before.sends) return 'sent';
  const isPostponed = remarks.at(-1)?.kind === 'postponed' && timers.some((timer) => timer.id === id);
  return isPostponed ? 'postponed' : 'left to another';
}

const never = { at: Number.POSITIVE_INFINITY, when: 'before' } as const;

describe.each(Object.entries(stories))('of two that come for one timer at once, %s', (_, story) => {
  it('the second may die at any call: nothing is lost, nothing is told in two ways', async () => {
    const calm = await run(story, 0, never);
    const expected = namesOf(calm.pipeline);
    for (let stands = 0; stands <= calm.calls + 2; stands += 1) {
      for (let at = Math.max(1, stands); at <= calm.calls + 4; at += 1) {
        for (const when of ['before', 'after'] as const) {
          if (when === 'before' && at === stands) continue;
          const { pipeline } = await run(story, stands, { at, when });
          const where = `the first comes at call ${stands}, the second dies ${when} call ${at}`;
          expect(namesOf(pipeline), where).toEqual(expected);
          expect(astrayIn(received(pipeline)), where).toEqual([]);
        }
      }
    }
  });
});

describe('what comes again, or late', () => {
  it.each([1, 23])('a batch of the stream, %s hours later: nothing is sent twice', async (hours) => {
    const pipeline = startLive();
    const later = noon + hours * 3_600_000;
    const batch = recordsOf([[...observations, started]]);
    await pipeline.ingest(batch);
    await pipeline.runTimers();
    const before = pipeline.sends.flat();
    for (const isCold of [false, true]) {
      pipeline.now = Math.max(pipeline.now, later);
      if (isCold) pipeline.forget();
      await pipeline.ingest(batch);
      await pipeline.runTimers();
    }
    expect(pipeline.sends.flat()).toEqual(before);
  });

  it('a timer, a day: all is told, once', async () => {
    const pipeline = startLive();
    await pipeline.ingest(recordsOf([[...observations, started]]));
    pipeline.now = noon + 23.9 * 3_600_000;
    await pipeline.runTimers();
    expect(pipeline.sends.flat()).toHaveLength(5);
    expect(namesOf(pipeline)).toHaveLength(5);
  });

  it('a timer whose spans were sent a day ago by another: they are not told in another way', async () => {
    const pipeline = startLive();
    await pipeline.ingest(recordsOf([[...observations, started]]));
    const timer = await takeNext(pipeline);
    await pipeline.settle(timer);
    await pipeline.runTimers();
    const before = namesOf(pipeline);
    pipeline.now = noon + 24 * 3_600_000;
    await pipeline.settle(timer);
    await pipeline.runTimers();
    expect(namesOf(pipeline)).toEqual(before);
  });
});

describe.each([-2, 2])('ingest’s clock is %s seconds off settle’s', (off) => {
  it('all is told, and nothing in two ways', async () => {
    const store = createMemoryStore(() => settling.now);
    const settling = startLive({ store: () => store });
    const ingesting = startLive({ store: () => store });
    for (let second = 0; second <= 120; second += 4) {
      await settling.runTimers(noon + second * 1000);
      settling.now = Math.max(settling.now, noon + second * 1000);
      ingesting.now = settling.now + off * 1000;
      const told =
        second === 0
          ? observations
          : second < 40 || second % 24 === 0
            ? [event(second, pod, 'Pulled', `${second}`)]
            : [];
      if (told.length > 0) await ingesting.ingest(recordsOf([told], { first: second + 1 }));
      settling.timers.push(...ingesting.timers.splice(0));
    }
    await settling.runTimers();
    expect(namesOf(settling)).toHaveLength(4 + 9 + 4);
  });
});
