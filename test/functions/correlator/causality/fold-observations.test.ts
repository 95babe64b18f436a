/** What is folded away is not missed: what is not sent yet comes out as it would from everything. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assemble, type SentSpan } from '../../../../functions/correlator/causality/assemble.ts';
import { foldObservations } from '../../../../functions/correlator/causality/fold-observations.ts';
import { HOUR, min, parseTime } from '../../../../functions/correlator/causality/time.ts';
import { readObservations } from '../../../../infra/local/read-recording.ts';
import type { Observation } from '../../../../shared/observation.ts';
import { event, rollout, snapshot } from './cluster-story.ts';

const cluster = { uid: 'c1' };

/** The same story so many hours later, as another generation of everything would be seen: with other Events, of the same objects. */
function later(observations: readonly Observation[], hours: number): Observation[] {
  const shift = (text: string) =>
    text.replace(
      /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g,
      (time) =>
        new Date(Date.parse(time) + hours * 3_600_000).toISOString().slice(0, 19) +
        (/\.\d+/.exec(time)?.[0] ?? '') +
        'Z',
    );
  const pods = observations.flatMap((o) =>
    o.type === 'object' && o.object.kind === 'Pod' ? [o.object] : [],
  );
  const names = new Map(pods.flatMap(({ name, uid }) => [name, uid].map((id) => [id, `${id}-${hours}`])));
  const rename = (text: string) =>
    names.size === 0
      ? text
      : text.replace(
          new RegExp(`(?<![\\w-])(${[...names.keys()].join('|')})(?![\\w-])`, 'g'),
          (id) => names.get(id)!,
        );
  return observations.map((observation) => {
    const moved = JSON.parse(rename(shift(JSON.stringify(observation)))) as Observation;
    if (moved.type === 'event') {
      moved.event.uid = `${moved.event.uid}+${hours}`;
      moved.event.name = moved.event.name.replace(/\.[0-9a-f]+$/, '');
      if (moved.event.resourceVersion !== undefined)
        moved.event.resourceVersion = newer(moved.event.resourceVersion, hours);
      const { subject } = moved.event;
      if (subject.resourceVersion !== undefined)
        subject.resourceVersion = newer(subject.resourceVersion, hours);
    } else if (moved.object.resourceVersion !== undefined) {
      moved.object.resourceVersion = newer(moved.object.resourceVersion, hours);
    }
    return moved;
  });
}
const newer = (version: string, hours: number) => String(Number(version) + hours * 1_000_000);

const momentOf = ({ observedAt }: Observation) => parseTime(observedAt);

/** Settled at `now`, once everything until then had come; then more comes. `old`: what came three hours before that. */
function compareAfterFold(story: readonly Observation[], now: bigint, minutesLater: number) {
  const until = story.filter((observation) => momentOf(observation) <= now);
  const sent = new Map<string, SentSpan>();
  // As often as a settle of an activity that is loud.
  for (let at = until.map(momentOf).reduce(min); at < now; at += HOUR / 4n) settle(at);
  settle(now);
  function settle(at: bigint) {
    const known = until.filter((observation) => momentOf(observation) <= at);
    for (const { span, final } of assemble({ cluster, observations: known, sent, now: at })) {
      if (final && !sent.has(span.spanId)) sent.set(span.spanId, span);
    }
  }
  const old = until.filter((observation) => momentOf(observation) < now - 3n * HOUR);
  const { lasting, open } = foldObservations(old, until, sent);
  const folded = [...lasting, ...open];
  const end = now + BigInt(minutesLater) * (HOUR / 60n);
  const rest = story.filter((observation) => !old.includes(observation) && momentOf(observation) <= end);
  const unsent = (observations: readonly Observation[]) =>
    assemble({ cluster, observations, sent, now: end })
      .filter(({ span }) => !sent.has(span.spanId))
      .map(({ span, final }) => ({ ...span, final }))
      .sort((a, b) => (a.spanId < b.spanId ? -1 : 1));
  return { lasting, open, folded, old, all: unsent([...old, ...rest]), after: unsent([...folded, ...rest]) };
}

describe('a story that comes again, hours later', () => {
  const recordings = fileURLToPath(new URL('../../../recordings', import.meta.url));
  for (const file of readdirSync(recordings).filter((name) => name.endsWith('.jsonl'))) {
    it(file, async () => {
      const once = await Array.fromAsync(readObservations([file], { baseDirectory: recordings }));
      const start = once.map(momentOf).reduce(min);
      let dropped = 0;
      fc.assert(
        fc.property(
          fc.subarray([1, 2, 3, 4, 5, 6, 7]),
          fc.integer({ min: 180, max: 480 }),
          fc.integer({ min: 0, max: 120 }),
          (hours, minutes, minutesLater) => {
            const story = [once, ...hours.map((hour) => later(once, hour))].flat();
            const now = start + BigInt(minutes) * (HOUR / 60n);
            const { folded, old, all, after } = compareAfterFold(story, now, minutesLater);
            dropped += old.length - folded.length;
            expect(after).toEqual(all);
          },
        ),
        { numRuns: 8 },
      );
      expect(dropped).toBeGreaterThan(0);
    });
  }
});

it('of a pod that crashes all day what is left does not grow', () => {
  const { observations, pod } = rollout(0);
  const round = (at: number): Observation[] => [
    snapshot(at, pod, {
      creationTimestamp: '2026-03-01T12:00:00Z',
      status: { conditions: [{ type: 'Ready', status: 'False', message: `at ${at}` }] },
    }),
    event(at + 1, pod, 'Started', 'Started container'),
    event(at + 2, pod, 'BackOff', 'Back-off restarting failed container'),
  ];
  const story = [...observations, ...Array.from({ length: 12 * 20 }, (_, i) => round(60 + i * 300)).flat()];
  const start = momentOf(story[0]!);
  const sizes = [5n, 10n, 19n].map((hours) => {
    const { lasting, open, old, all, after } = compareAfterFold(story, start + hours * HOUR, 60);
    expect(all.length).toBeGreaterThan(10);
    expect(after).toEqual(all);
    expect(old.length).toBeGreaterThan(60);
    // An hour's at most.
    expect(open.length).toBeLessThan(2 * 12 + 4);
    return lasting.length;
  });
  expect(sizes).toEqual([4, 4, 4]);
});
