/**
 * Assembly is a function of a set of observations, and whatever part of the set is there, what it tells is sound: of recordings
 * of a real cluster, of Events as others write them, and of stories that nobody recorded.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gatherObjects } from '../../../../functions/correlator/causality/gather-objects.ts';
import { gatherOccurrences } from '../../../../functions/correlator/causality/gather-occurrences.ts';
import { builtInRules } from '../../../../functions/correlator/causality/rules/built-in-rules.ts';
import {
  compare,
  parseTime,
  SECOND,
  secondOf,
  timeInName,
} from '../../../../functions/correlator/causality/time.ts';
import { explain } from '../../../../infra/local/explain.ts';
import { occurrenceSpanId, transitionSpanId } from '../../../../shared/ids.ts';
import type { EventOccurrence, ObjectSnapshot, Observation } from '../../../../shared/observation.ts';
import type { Span } from '../../../../shared/span.ts';
import { checkProperty } from '../../../check-property.ts';
import { caseFiles, recorded } from '../../../read-recordings.ts';
import { brokenIn, misspentIn, outsideIn } from '../broken-traces.ts';
import { stories } from './arbitrary-stories.ts';

const shuffled = <T>(items: readonly T[]): fc.Arbitrary<T[]> =>
  fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length });

const bytes = (observations: readonly Observation[]) => JSON.stringify(explain(observations));

const eventsIn = (observations: readonly Observation[]): EventOccurrence[] =>
  observations.filter((observation) => observation.type === 'event');
const snapshotsIn = (observations: readonly Observation[]): ObjectSnapshot[] =>
  observations.filter((observation) => observation.type === 'object');

/** In any order, some of it read twice, in as many parts as there are readers. */
const retold = (observations: readonly Observation[]): fc.Arbitrary<Observation[]> =>
  fc
    .tuple(shuffled(observations), fc.subarray([...observations]))
    .map(([order, again]) => [...order, ...structuredClone(again)]);

/** Observed later, by another observer. */
const late = (observations: readonly Observation[]): Observation[] =>
  observations.map((observation) => ({ ...observation, observedAt: '2099-01-01T00:00:00.000Z' }));

/** The occurrences that Events tell of, by span id: those that were seen, and the first of those that were seen repeated. */
function toldBy(observations: readonly Observation[]): string[] {
  const counts = Map.groupBy(eventsIn(observations), ({ event }) => event.uid);
  return [...counts].flatMap(([uid, seen]) => {
    const own = new Set(seen.map(({ event }) => event.count));
    const lowest = seen.reduce((a, b) => (b.event.count < a.event.count ? b : a)).event;
    const first = lowest.firstTimestamp ?? lowest.eventTime;
    const last = lowest.lastTimestamp ?? lowest.lastObservedTime ?? lowest.eventTime ?? first;
    const isNear = first !== undefined && Date.parse(last!) - Date.parse(first) < 86_400_000;
    return [...(isNear ? own.add(1) : own)].map((count) => occurrenceSpanId(uid, count));
  });
}

/** What pods' statuses may tell, by span id: of a Ready only that it may be one. */
function transitionsBy(observations: readonly Observation[]): { ready: Set<string>; ends: Set<string> } {
  const [ready, ends] = [new Set<string>(), new Set<string>()];
  for (const { object } of snapshotsIn(observations)) {
    for (const { type, lastTransitionTime } of object.status?.conditions ?? [])
      if (type === 'Ready') ready.add(transitionSpanId(object.uid, `Ready//${lastTransitionTime}`));
    for (const { name, terminated, lastTerminated } of object.status?.containers ?? [])
      for (const end of [terminated, lastTerminated])
        if (end?.finishedAt !== undefined)
          ends.add(transitionSpanId(object.uid, `Terminated/${name}/${end.finishedAt}`));
  }
  return { ready, ends };
}

/** Whatever is told, it is sound, and its ids are those of what it tells. */
function expectSound(observations: readonly Observation[]): void {
  const spans = explain(observations);
  expect(brokenIn(spans)).toEqual([]);
  expect(outsideIn(spans)).toEqual([]);
  expect(misspentIn(spans)).toEqual([]);
  const isOccurrence = ({ attributes }: Span) => 'k8s.event.uid' in attributes;
  expect(
    spans
      .filter(isOccurrence)
      .map(({ spanId }) => spanId)
      .sort(),
  ).toEqual(toldBy(observations).sort());
  const { ready, ends } = transitionsBy(observations);
  for (const { name, spanId } of spans.filter((span) => !isOccurrence(span))) {
    if (name === 'Pod.Ready') expect(ready.has(spanId)).toBe(true);
    if (name === 'Pod.Terminated') expect(ends.has(spanId)).toBe(true);
  }
}

describe.each(recorded)('$file', ({ file, read }) => {
  const numRuns = caseFiles.includes(file) ? 12 : 6;

  it('every occurrence becomes exactly one span, in whole traces that cover what they caused', async () => {
    expectSound(await read());
  });

  it('any order, with any of it read twice, gives the same bytes', async () => {
    const observations = await read();
    const expected = bytes(observations);
    checkProperty(
      fc.property(retold(observations), (again) => {
        expect(bytes(again)).toBe(expected);
      }),
      numRuns,
    );
  });

  it('what is observed later by another observer changes nothing', async () => {
    const observations = await read();
    expect(bytes([...late(observations), ...observations])).toBe(bytes(observations));
  });

  it('any part of it is sound', async () => {
    const observations = await read();
    checkProperty(fc.property(fc.subarray(observations), expectSound), numRuns);
  });
});

describe('stories that nobody recorded', () => {
  it('are sound, whatever of them is there', () => {
    checkProperty(
      fc.property(
        stories.chain((story) => fc.oneof(fc.constant(story), fc.subarray(story))),
        expectSound,
      ),
      200,
    );
  });

  it('are the same bytes in any order, with any of it read twice or later', () => {
    checkProperty(
      fc.property(
        stories.chain((story) => fc.tuple(fc.constant(story), retold(story))),
        ([story, again]) => {
          const expected = bytes(story);
          expect(bytes(again)).toBe(expected);
          expect(bytes([...late(story), ...again])).toBe(expected);
        },
      ),
      100,
    );
  });
});

describe('within a second', () => {
  const gathered = (story: readonly Observation[]) =>
    gatherOccurrences(eventsIn(story), gatherObjects(snapshotsIn(story)), builtInRules).filter(
      ({ transition }) => transition === undefined,
    );

  it('what one reporter says of one object starts at strictly increasing times, in order of resourceVersion', () => {
    checkProperty(
      fc.property(stories, (story) => {
        const groups = Map.groupBy(
          gathered(story).filter(({ exact }) => !exact),
          ({ event, at }) => `${event.reporter.component} ${event.subject.uid} ${secondOf(at)}`,
        );
        for (const group of groups.values()) {
          const byVersion = group.toSorted(
            (a, b) => compare(a.version, b.version) || a.event.count - b.event.count,
          );
          for (const [index, { at }] of byVersion.slice(1).entries())
            expect(at > byVersion[index]!.at).toBe(true);
        }
      }),
      200,
    );
  });

  it('what has no finer time is behind what others said of the object with one, and wrote before it', () => {
    let tried = 0;
    checkProperty(
      fc.property(stories, (story) => {
        const written = new Set(eventsIn(story).map(({ event }) => `${event.uid}/${event.count}`));
        const bySecond = Map.groupBy(
          gathered(late(story)),
          ({ event, at }) => `${event.subject.uid} ${secondOf(at)}`,
        );
        for (const said of bySecond.values()) {
          const exact = said.filter((one) => one.exact && one.version > 0n);
          for (const one of said.filter((other) => !other.exact && written.has(other.key))) {
            const { component } = one.event.reporter;
            // Its own reporter's order is the stronger.
            const isHeld = exact.some(
              ({ event, version }) => event.reporter.component === component && version > one.version,
            );
            const before = isHeld ? [] : exact.filter(({ version }) => version < one.version);
            for (const { at } of before) expect(one.at > at).toBe(true);
            tried += before.length;
          }
        }
      }),
      200,
    );
    expect(tried).toBeGreaterThan(0);
  });

  it('nothing leaves its second, and what has a finer time does not move at all', () => {
    checkProperty(
      fc.property(stories, (story) => {
        for (const { event, at, exact } of gathered(story)) {
          const { lastTimestamp, lastObservedTime, eventTime, firstTimestamp, count, name } = event;
          const written = parseTime(lastTimestamp ?? lastObservedTime ?? eventTime ?? firstTimestamp!);
          expect(secondOf(at)).toBe(secondOf(written));
          if (written % SECOND !== 0n) expect(at).toBe(written);
          else if (exact) expect(count === 1 ? at : undefined).toBe(timeInName(name));
        }
      }),
      200,
    );
  });
});
