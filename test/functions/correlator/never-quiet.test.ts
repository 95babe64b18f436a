/** Compaction of an activity that never goes quiet. */
import { expect, it } from 'vitest';
import type { Timer } from '../../../functions/correlator/ports.ts';
import type { Key } from '../../../functions/correlator/store.ts';
import type { Observation } from '../../../shared/observation.ts';
import type { Span } from '../../../shared/span.ts';
import { noon, startLive } from './arrivals.ts';
import { event, rollout, snapshot, thing } from './causality/cluster-story.ts';
import { received, recordsOf, wholeStory } from './pipeline.ts';

/** So many pods of one Deployment crash every five minutes, one after the other: a snapshot and two Events a round. */
function crashing(pods: number, every: number) {
  const { observations, replicaSet } = rollout(0);
  return (second: number): Observation[] => {
    if (second === 0) return observations;
    const told: Observation[] = [];
    for (let pod = 0; pod < pods; pod += 1) {
      const since = second + ((pod * 37) % 300);
      if (since % 300 >= every) continue;
      const subject = thing('Pod', `web-1-${pod}`, replicaSet);
      const conditions = [{ type: 'Ready', status: 'False', message: `restarted at ${second}` }];
      const creationTimestamp = '2026-03-01T12:00:00Z';
      told.push(
        snapshot(second, subject, { creationTimestamp, status: { conditions } }),
        event(second + 1, subject, 'Started', 'Started container', {
          uid: `started ${pod}`,
          count: second + 1,
        }),
        event(second + 2, subject, 'BackOff', 'Back-off restarting failed container', {
          uid: `back-off ${pod}`,
          count: second + 1,
          type: 'Warning',
        }),
      );
    }
    return told;
  };
}

it('folding that crashes at every kind of step, each hour, before and after: the spans are those of one look at the end', async () => {
  const tell = crashing(5, 20);
  const crashed = new Set<string>();
  const kinds = new Set<string>();
  const pipeline = startLive({
    crash: (_, name, [some]) => {
      if (name !== 'put' && name !== 'remove') return undefined;
      const keys = (some as Key[]).map(({ sk }) => sk);
      const kind = keys[0]?.split('#', 1)[0] ?? '';
      if (name === 'put' && !['fold', 'sent', 'cut'].includes(kind)) return undefined;
      for (const key of keys) kinds.add(`${name} ${key.split('#', 1)[0]}`);
      for (const when of ['before', 'after'] as const) {
        const step = `${when} ${name} ${kind} in hour ${Math.floor((pipeline.now - noon) / 3_600_000)}`;
        if (crashed.has(step)) continue;
        crashed.add(step);
        return when;
      }
      return undefined;
    },
  });
  // The first timer that cut anything.
  let cutter: { timer: Timer; spans: Span[] } | undefined;
  const settle = pipeline.settle.bind(pipeline);
  pipeline.settle = async (timer) => {
    const before = pipeline.sends.length;
    const isDone = await settle(timer);
    if (isDone && pipeline.sends.length > before) cutter ??= { timer, spans: pipeline.sends.at(-1)! };
    return isDone;
  };
  const story: Observation[] = [];
  for (let second = 0; second < 5.3 * 3600; second += 20) {
    await pipeline.runTimers(noon + second * 1000);
    pipeline.now = Math.max(pipeline.now, noon + second * 1000);
    // Its episodes begin in the middle of an hour, so that one is cut by the hour's end.
    const told = second > 0 && second < 1800 ? [] : tell(second);
    story.push(...told);
    if (told.length > 0) await pipeline.ingestUntilDone(recordsOf([told], { first: second + 1 }));
  }
  await pipeline.runTimers();
  expect(received(pipeline)).toEqual(wholeStory(story));
  // Its message comes again after hours.
  expect(await settle(cutter!.timer)).toBe(true);
  expect(pipeline.sends.at(-1)).toEqual(cutter!.spans);
  const steps = ['put cut', 'put fold', 'put sent', 'remove chunk', 'remove cut', 'remove fold'];
  expect([...kinds]).toEqual(expect.arrayContaining(steps));
}, 180_000);
