/** Under the same key both sides of a rule find each other: whatever assembly joins of several roots is read together. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLinkKey, soughtBy } from '../../../../functions/correlator/causality/join-key.ts';
import { joinDigests, joinKeys } from '../../../../functions/correlator/causality/join-keys.ts';
import { placementRules } from '../../../../functions/correlator/causality/placement/placement-rules.ts';
import { builtInRules } from '../../../../functions/correlator/causality/rules/built-in-rules.ts';
import { placeOf, rootOf, subjectPlace } from '../../../../functions/correlator/file-observations.ts';
import { explain } from '../../../../infra/local/explain.ts';
import { changeSpanId, occurrenceSpanId, transitionSpanId } from '../../../../shared/ids.ts';
import type { Observation } from '../../../../shared/observation.ts';
import type { Span } from '../../../../shared/span.ts';
import { checkProperty } from '../../../check-property.ts';
import { readRecording, recorded } from '../../../read-recordings.ts';

const meeting = [
  'drain',
  'preemption',
  'hpa',
  'cronjob',
  'statefulset',
  'flux-kustomization',
  'rollout-canary-promoted',
  'rollout-scaled-and-deleted',
  'tekton-pipeline-runs',
  'evicted-by-api',
  'evicted-for-disk',
  'node-lost-and-removed',
  'orphaned-and-adopted',
  'pvc',
];
/** What an object adds to what others have told, as the Node of a pod, is found with the next commit. */
it.each(meeting)('%s: what brings no new digest brings no new join key of its own', async (name) => {
  const all = await readRecording(`${name}.jsonl`);
  let settled = 0;
  await checkProperty(
    fc.property(fc.subarray(all), fc.subarray(all), (some, more) => {
      const digests = joinDigests(some, builtInRules);
      const news = more.filter((observation) => joinDigests([observation], builtInRules).isSubsetOf(digests));
      settled += news.filter((observation) => !some.includes(observation)).length;
      const before = new Set(joinKeys([...some, ...news.filter(isObject)], builtInRules));
      expect(new Set(joinKeys([...some, ...news], builtInRules)).difference(before)).toEqual(new Set());
    }),
    30,
  );
  expect(settled).toBeGreaterThan(0);
});

const isObject = ({ type }: Observation) => type === 'object';

/** As ingest and settle file them in the end: by activity. */
function fileAll(observations: readonly Observation[]): Map<string, Observation[]> {
  const owners = new Map<string, { owner?: { id: string; family: string } }>();
  for (const observation of observations) {
    const place = placeOf(observation);
    if (place?.owner !== undefined) owners.set(place.id, { owner: place.owner });
  }
  return Map.groupBy(
    observations,
    (observation) => rootOf(subjectPlace(observation), (id) => owners.get(id)).id,
  );
}

/** By span id the activities whose observations tell it. */
function tellersOf(activities: ReadonlyMap<string, readonly Observation[]>): Map<string, string> {
  const tellers = new Map<string, string>();
  for (const [activity, observations] of activities)
    for (const observation of observations) for (const id of toldBy(observation)) tellers.set(id, activity);
  return tellers;
}

function toldBy(observation: Observation): string[] {
  if (observation.type === 'event')
    return [1, observation.event.count].map((count) => occurrenceSpanId(observation.event.uid, count));
  const { uid, generation, status } = observation.object;
  const times = status?.conditions?.flatMap(({ lastTransitionTime }) => lastTransitionTime ?? []) ?? [];
  const ends = (status?.containers ?? []).flatMap(({ name, terminated, lastTerminated }) =>
    [terminated, lastTerminated].map((end) => `Terminated/${name}/${end?.finishedAt}`),
  );
  return [
    ...['delete', ...(generation === undefined ? ['1'] : [String(generation)])].map((id) =>
      changeSpanId(uid, id),
    ),
    ...[...times.map((time) => `Ready//${time}`), ...ends].map((what) => transitionSpanId(uid, what)),
  ];
}

interface Crossing {
  activities: readonly [string, string];
  /** The rule, or the reason of the link. */
  because: string;
}

/** Parents and links that the activity of a span does not tell itself. */
function crossings(spans: readonly Span[], tellers: ReadonlyMap<string, string>): Crossing[] {
  return spans.flatMap(({ spanId, parentSpanId, links, attributes }) => {
    const others = [
      ...(parentSpanId === null ? [] : [{ spanId: parentSpanId, because: attributes['rootspan.because'] }]),
      ...links.map((link) => ({
        spanId: link.spanId,
        because: `link ${link.attributes?.['rootspan.link']}`,
      })),
    ];
    const own = tellers.get(spanId);
    return others.flatMap(({ spanId: other, because }) => {
      const theirs = tellers.get(other);
      if (own === undefined || theirs === undefined || own === theirs) return [];
      return [{ activities: [own, theirs], because: String(because) } as const];
    });
  });
}

/** Whether the first is found by the second, as settle gathers: links only from the one that asks. */
function meets(from: string, to: string, keysOf: ReadonlyMap<string, readonly string[]>): boolean {
  const reached = new Set([from]);
  for (let ring = [from]; ring.length > 0; ) {
    const keys = new Set(
      ring.flatMap((one) =>
        keysOf
          .get(one)!
          .filter((key) => one === from || !isLinkKey(key))
          .flatMap((key) => soughtBy(key) ?? []),
      ),
    );
    ring = [...keysOf].flatMap(([one, own]) =>
      !reached.has(one) && own.some((key) => keys.has(key)) ? [one] : [],
    );
    for (const one of ring) reached.add(one);
  }
  return reached.has(to);
}

describe('whoever hangs under, or links to, what another root tells', () => {
  const crossed = new Set<string>();
  it.each(recorded)('$file: finds it by a key that both have, from both sides', async ({ read }) => {
    const observations = await read();
    const activities = fileAll(observations);
    const keysOf = new Map([...activities].map(([id, own]) => [id, joinKeys(own, builtInRules)]));
    const strangers = new Set<string>();
    for (const {
      activities: [one, other],
      because,
    } of crossings(explain(observations), tellersOf(activities))) {
      crossed.add(because);
      if (!meets(one, other, keysOf) || !meets(other, one, keysOf))
        strangers.add(`${because}: ${one} and ${other}`);
    }
    expect([...strangers]).toEqual([]);
  });

  it('is seen of each rule that declares keys', () => {
    const declaring = placementRules.filter(({ joins }) => joins !== undefined).map(({ name }) => name);
    expect([...crossed]).toEqual(expect.arrayContaining(declaring));
  });
});
