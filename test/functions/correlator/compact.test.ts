/** What of an activity that goes on and on stays, what goes, and that nobody who reads it meanwhile sees less. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Activity,
  chunksOf,
  observationsOf,
  toActivity,
  whatWasSent,
} from '../../../functions/correlator/activity.ts';
import { assemble } from '../../../functions/correlator/causality/assemble.ts';
import { type Compaction, planCompaction, type Settled } from '../../../functions/correlator/compact.ts';
import { batchItem, chunkItems, parseItem, sentIn } from '../../../functions/correlator/items.ts';
import { keysOf, pickSpans } from '../../../functions/correlator/pick-spans.ts';
import type { Item } from '../../../functions/correlator/store.ts';
import { defaultThresholds } from '../../../functions/correlator/thresholds.ts';
import type { Observation } from '../../../shared/observation.ts';
import type { Span } from '../../../shared/span.ts';
import { checkProperty } from '../../check-property.ts';
import { noon } from '../../support/start-context.ts';
import { event, snapshot, thing } from './causality/cluster-story.ts';

const web = 'c1/web';
const cluster = { uid: 'c1' };
const minute = 60;
const hour = 60 * minute;
const at = (seconds: number): number => noon + seconds * 1000;
const expiresAt = noon / 1000 + 4 * 24 * hour;
const pod = thing('Pod', 'web');
/** Of the pod that the activity is of: without an owner, created at noon. */
const ofPod = (second: number, details: Parameters<typeof snapshot>[2] = {}) =>
  snapshot(second, pod, { creationTimestamp: '2026-03-01T12:00:00Z', ...details });

/** Of the first hour an Event a minute, each an Event of its own: by the fifth hour that is over. */
const firstHour = (count = 60): Observation[] =>
  Array.from({ length: count }, (_, n) => event(n * minute, pod, 'Pulled', `image ${n}`));

interface Told {
  story: readonly Observation[];
  /** Seconds after noon, when what can no longer change was committed. */
  commits?: readonly number[];
  now?: number;
}

const secondOf = ({ observedAt }: Observation): number => (Date.parse(observedAt) - noon) / 1000;

/** An activity as its settles have left it: each observation is a chunk, each commit a batch of what was final then. */
function settle({
  story,
  commits = [2 * hour, 4.5 * hour],
  now = 5 * hour,
}: Told): Settled & { items: Item[] } {
  const items = story.flatMap((observation, n) =>
    chunkItems(
      web,
      `b${n}`,
      { cluster, observations: [observation] },
      {
        at: at(secondOf(observation)),
        dueAt: 0,
        family: 'web',
        expiresAt,
      },
    ),
  );
  const look = (seconds: number) => {
    const activity = toActivity(web, items);
    const observations = story.filter((observation) => secondOf(observation) <= seconds);
    const sent = whatWasSent([activity]);
    const assembled = assemble({ cluster, observations, sent, now: BigInt(at(seconds)) * 1_000_000n });
    const bounds = { horizon: 0n, compactedUntil: 0n, unsent: new Set<string>() };
    return { activity, assembled, ...pickSpans(assembled, keysOf(observations), sent, bounds) };
  };
  for (const [index, seconds] of commits.entries())
    items.push(
      batchItem(web, index + 1, look(seconds).final, { at: at(seconds), chain: `t${index}` }, expiresAt),
    );
  const { activity, assembled, open } = look(now);
  return { activity, chunks: chunksOf(activity), assembled, open, items };
}

const plan = (told: Told): Compaction[] =>
  planCompaction(settle(told), defaultThresholds, at(told.now ?? 5 * hour));
const kindOf = ({ sk }: Pick<Item, 'sk'>) => sk.split('#', 1)[0]!;
/** `fold 1, chunk -60`: what is put and what is removed. */
function summary(compactions: readonly Compaction[]): string {
  const puts = compactions
    .flatMap(({ put }) => put)
    .map((item) => `${item.pk.split('#', 1)} ${kindOf(item)}`);
  const removes = compactions.flatMap(({ remove }) => remove).map(kindOf);
  const count = (names: readonly string[], sign: string) =>
    [...Map.groupBy(names, (name) => name)].map(([name, { length }]) => `${sign}${length} ${name}`);
  return [...count(puts, '+'), ...count(removes, '-')].sort().join(', ');
}
const read = (items: readonly Item[]): Activity =>
  toActivity(
    web,
    items.filter(({ pk }) => pk === `activity#${web}`),
  );
const told = (items: readonly Item[]): Observation[] => observationsOf(chunksOf(read(items)));
const label = (observation: Observation): string =>
  observation.type === 'event'
    ? `${observation.event.reason} ${observation.event.count} at ${(secondOf(observation) / minute) | 0}`
    : `${observation.object.kind} ${observation.object.name} at ${(secondOf(observation) / minute) | 0}`;

/** After compaction; items in order of their keys. */
function carriedOut(items: readonly Item[], compactions: readonly Compaction[]): Item[] {
  const all = new Map(items.map((item) => [`${item.pk} ${item.sk}`, item]));
  for (const { put, remove } of compactions) {
    for (const item of put) all.set(`${item.pk} ${item.sk}`, item);
    for (const { pk, sk } of remove) all.delete(`${pk} ${sk}`);
  }
  return [...all.values()].sort((a, b) => (`${a.pk} ${a.sk}` < `${b.pk} ${b.sk}` ? -1 : 1));
}
/** What is left of the observations of a story of which the first hour is over. */
function leftOf(story: readonly Observation[], options: Omit<Told, 'story'> = {}): string[] {
  const { items, ...settled } = settle({ story: [...firstHour(), ...story], ...options });
  const compactions = planCompaction(settled, defaultThresholds, at(options.now ?? 5 * hour));
  return told(carriedOut(items, compactions)).map(label).sort();
}

describe('of what was settled', () => {
  const recent = (count: number) =>
    Array.from({ length: count }, (_, n) => event(4 * hour + n, pod, 'Pulled', `image ${n}`));

  it('48 chunks become one, as they are', () => {
    const compactions = plan({ story: recent(48) });
    expect(summary(compactions)).toBe('+1 activity fold, -48 chunk');
    expect(told(compactions[0]!.put)).toEqual(recent(48));
    expect(read(compactions[0]!.put).chunks[0]!.compacted).toEqual({ until: 0 });
  });

  it('fewer stay: to write them anew costs more than it spares', () =>
    expect(plan({ story: recent(47) })).toEqual([]));

  it('what came since the last commit stays by itself', () =>
    expect(plan({ story: recent(60), commits: [4 * hour + 40] })).toEqual([]));

  it('what a timer may still ask for the time of stays by itself: for 20 minutes', () => {
    const story = recent(60);
    const youngest = 4 * hour + 59;
    const asks = (now: number) => summary(plan({ story, now, commits: [youngest + 1] }));
    // 48 of the 60 are old enough at the second; the others stay.
    expect(asks(4 * hour + 47 + 1221)).toBe('');
    expect(asks(4 * hour + 48 + 1221)).toBe('+1 activity fold, -48 chunk');
  });

  it('a repeat is written once', () => {
    const twice = [...recent(48), ...recent(48).slice(0, 5)];
    expect(told(plan({ story: twice })[0]!.put)).toHaveLength(48);
  });
});

describe('of a trace that was sent whole and has been silent for two hours', () => {
  it('goes: its Events; the newest snapshot of its object stays', () =>
    expect(leftOf([ofPod(0), ofPod(30 * minute), ofPod(59 * minute)])).toEqual(['Pod web at 59']));

  it('goes: nothing while too little is over', () => {
    const few = firstHour(47);
    expect(plan({ story: few })).toEqual([]);
  });

  it('stays: what was seen in the last two hours', () =>
    expect(leftOf([event(4 * hour, pod, 'Pulled', 'x')])).toEqual(['Pulled 1 at 240']));

  it('stays: what is older, of a trace that went on since', () =>
    expect(
      leftOf([event(175 * minute, pod, 'Failed', 'x'), event(185 * minute, pod, 'BackOff', 'x')]),
    ).toEqual(['BackOff 1 at 185', 'Failed 1 at 175']));

  it('stays: all of it, while some of it is still to be sent', () => {
    const { items: _, ...settled } = settle({ story: firstHour() });
    const compact = (open: typeof settled.assembled) =>
      told(planCompaction({ ...settled, open }, defaultThresholds, at(5 * hour))[0]!.put).length;
    expect(new Set(settled.assembled.map(({ span }) => span.traceId)).size).toBe(1);
    expect([compact([]), compact(settled.assembled.slice(0, 1))]).toEqual([0, 60]);
  });

  it('stays: of an Event that goes on, its lowest count, which says when it was first', () => {
    const round = (n: number, second: number) => event(second, pod, 'BackOff', 'x', { uid: 'e', count: n });
    const rounds = Array.from({ length: 20 }, (_, n) => round(n + 3, n * minute));
    expect(leftOf([...rounds, round(40, 4 * hour)])).toEqual(['BackOff 3 at 0', 'BackOff 40 at 240']);
  });

  it('goes: the lowest count as well, of an Event that does not go on', () => {
    const rounds = [1, 2, 3].map((n) => event(n * minute, pod, 'BackOff', 'x', { uid: 'e', count: n }));
    expect(leftOf(rounds)).toEqual([]);
  });
});

describe('of an object', () => {
  const gone = thing('Pod', 'gone', pod);
  const deletion = snapshot(50 * minute, gone, { deleted: true });

  it('the newest snapshot stays, however old it is', () =>
    expect(leftOf([ofPod(0), ofPod(10 * minute)])).toEqual(['Pod web at 10']));
  it('whatever else tells of the same version stays with it', () => {
    const version = { resourceVersion: '7' };
    expect(leftOf([ofPod(0), ofPod(10 * minute, version), ofPod(12 * minute, version)])).toEqual([
      'Pod web at 10',
      'Pod web at 12',
    ]);
  });
  it('that is gone nothing stays: its deletion comes with all that is to be known', () =>
    expect(leftOf([snapshot(40 * minute, gone), deletion])).toEqual([]));
  it.each(['Succeeded', 'Failed'])('that ran to its end nothing stays: %s', (phase) =>
    expect(leftOf([snapshot(40 * minute, gone, { status: { phase } })])).toEqual([]),
  );
  it('that is gone, the newest stays while an Event of it does', () =>
    expect(leftOf([snapshot(40 * minute, gone), deletion, event(4 * hour, gone, 'Late', 'x')])).toEqual([
      'Late 1 at 240',
      'Pod gone at 50',
    ]));
  it('that is gone, the newest stays while an Event does that it is related to', () => {
    const related = { kind: 'Pod', name: 'gone', uid: gone.uid };
    expect(leftOf([deletion, event(4 * hour, pod, 'Late', 'x', { related })])).toEqual([
      'Late 1 at 240',
      'Pod gone at 50',
    ]);
  });
});

describe('where observations were left out', () => {
  it('it stands until when: the youngest of them', () => {
    const [compaction] = plan({ story: firstHour() });
    const youngest = Math.max(...firstHour().map(({ observedAt }) => Date.parse(observedAt)));
    expect(read(compaction!.put).chunks[0]!.compacted).toEqual({ until: youngest });
  });

  it('it stands which spans that only snapshots tell are still to be sent', () => {
    const deployment = thing('Deployment', 'web');
    const update = snapshot(4.9 * hour, deployment, {
      creationTimestamp: '2026-03-01T12:00:00Z',
      generation: 2,
      managers: [{ manager: 'helm', operation: 'Update', time: '2026-03-01T16:54:00Z', ownsSpec: true }],
    });
    const story = [
      ...firstHour(),
      snapshot(0, deployment),
      update,
      event(4.9 * hour, deployment, 'ScalingReplicaSet', 'x'),
    ];
    const settled = settle({ story });
    const open = settled.open.filter(({ occurrence }) => occurrence === undefined);
    expect(open.map(({ span }) => span.name)).toEqual(['Deployment.Update']);
    const [compaction] = planCompaction(settled, defaultThresholds, at(5 * hour));
    expect(chunksOf(read(compaction!.put))[0]!.unsent).toEqual([open[0]!.span.spanId]);
  });

  it('an Event’s spans are not among them: an Event is told once', () => {
    const going = [event(4.95 * hour, pod, 'BackOff', 'x')];
    const settled = settle({ story: [...firstHour(), ...going], commits: [2 * hour, 4.5 * hour] });
    expect(settled.open.map(({ span }) => span.name)).toEqual(['Pod.BackOff']);
    const [compaction] = planCompaction(settled, defaultThresholds, at(5 * hour));
    expect(chunksOf(read(compaction!.put))[0]!.unsent).toEqual([]);
  });
});

describe('what was compacted before', () => {
  /** Compacted in the third hour, as it is; in the fifth and later more came. */
  const again = (recent: number, now: number) => {
    const { items, ...settled } = settle({ story: firstHour(), commits: [1.5 * hour], now: 2.5 * hour });
    const once = carriedOut(items, planCompaction(settled, defaultThresholds, at(2.5 * hour)));
    const [fold] = read(once).chunks;
    expect(fold!.compacted).toEqual({ until: 0 });
    const more = Array.from({ length: recent }, (_, n) => event(now - 3000 + n, pod, 'Pulled', `x ${n}`));
    const later = settle({ story: [...firstHour(), ...more], commits: [1.5 * hour, now - 60], now });
    const kept = [
      ...once,
      ...later.items.filter(({ sk, fields }) => {
        return (
          kindOf({ sk }) === 'cut' || (kindOf({ sk }) === 'chunk' && Number(fields!.at) >= at(now - 3000))
        );
      }),
    ];
    const activity = read(carriedOut(kept, []));
    const compactions = planCompaction(
      { ...later, activity, chunks: chunksOf(activity) },
      defaultThresholds,
      at(now),
    );
    return { summary: summary(compactions), left: told(carriedOut(kept, compactions)).length };
  };

  it('is written anew where half of it is over', () =>
    expect(again(40, 5 * hour)).toEqual({ summary: '+1 activity fold, -1 fold, -40 chunk', left: 40 }));
  it('stays where most of what there is goes on: only what is new becomes one', () =>
    expect(again(100, 5 * hour)).toEqual({ summary: '+1 activity fold, -100 chunk', left: 160 }));
});

/** A batch each quarter of an hour for three hours, with an Event each: the eighth hour's check. */
function manyBatches(hours = 3, now = 8 * hour) {
  const count = hours * 4;
  const story = Array.from({ length: count }, (_, n) => event(n * 15 * minute, pod, 'Pulled', `image ${n}`));
  const commits = Array.from({ length: count }, (_, n) => (n + 2) * 15 * minute);
  return settle({ story, commits, now });
}

describe('batches of the outbox', () => {
  const compacted = () => {
    const { items, ...settled } = manyBatches();
    const compactions = planCompaction(settled, defaultThresholds, at(8 * hour));
    return { items, settled, compactions, after: carriedOut(items, compactions) };
  };

  it('that are half an hour old go into the archive, and what tells that their spans were sent stays or goes with them', () => {
    const { compactions } = compacted();
    expect(summary(compactions)).toBe('+11 archive cut, +3 archive sent, -11 cut');
  });

  it('but for the last one, which keeps the number', () => {
    const { after } = compacted();
    expect(read(after).batches.map(({ number }) => number)).toEqual([12]);
  });

  it('are in the archive as they were, for a timer that comes so late', () => {
    const { items, after } = compacted();
    const batches = (some: readonly Item[]) =>
      some
        .flatMap((item) => parseItem(item, web) ?? [])
        .flatMap((item) => (item.kind === 'batch' ? item : []))
        .sort((a, b) => a.number - b.number);
    expect(batches(after)).toEqual(batches(items));
  });

  it('that are fewer than eight stay', () => {
    const { items: _, ...settled } = manyBatches(2);
    expect(settled.activity.batches).toHaveLength(8);
    expect(planCompaction(settled, defaultThresholds, at(8 * hour))).toEqual([]);
  });

  it('that are younger than half an hour stay', () => {
    const { items, ...settled } = manyBatches(3, 3.3 * hour);
    const after = carriedOut(items, planCompaction(settled, defaultThresholds, at(3.3 * hour)));
    expect(
      read(after).batches.map(({ number, at: committed }) => [number, (committed - noon) / 60_000]),
    ).toEqual([
      [11, 180],
      [12, 195],
    ]);
  });
});

describe('what was sent', () => {
  const startMinute = ({ startTimeUnixNano }: Pick<Span, 'startTimeUnixNano'>) =>
    (Number(startTimeUnixNano) / 1e6 - noon) / 60_000;
  /** In which minutes the spans start that are known to be sent: in the activity, and by the hour in its archive. */
  const minutesAfter = (now: number) => {
    const { items, ...settled } = manyBatches(3, now);
    const after = carriedOut(items, planCompaction(settled, defaultThresholds, at(now)));
    const minutesIn = (partition: string) =>
      after
        .filter(({ pk }) => pk === `${partition}#${web}`)
        .flatMap((item) => parseItem(item, web) ?? [])
        .flatMap((item) => (item.kind === 'sent' ? [{ item, sent: sentIn(item) }] : []))
        .map(({ item, sent }) => ({
          hour: (item.at - noon) / 3_600_000,
          expiresIn: item.expiresAt - at(now) / 1000,
          minutes: sent.map(startMinute).sort((a, b) => a - b),
        }));
    return { own: minutesIn('activity').flatMap(({ minutes }) => minutes), archive: minutesIn('archive') };
  };

  it('of traces that are over is in the archive, by the hour in which a span starts, and known as long from then', () => {
    const expiresIn = defaultThresholds.sentRetention;
    expect(minutesAfter(8 * hour)).toEqual({
      own: [],
      archive: [
        { hour: 0, expiresIn, minutes: [0, 15, 30, 45] },
        { hour: 1, expiresIn, minutes: [60, 75, 90, 105] },
        { hour: 2, expiresIn, minutes: [120, 135] },
      ],
    });
  });

  it('of traces that go on, and of hours that are not over, stays where every check reads it', () => {
    const { own, archive } = minutesAfter(3.5 * hour);
    expect(own.toSorted((a, b) => a - b)).toEqual([60, 75, 90, 105, 120, 135]);
    expect(archive).toMatchObject([{ hour: 0, minutes: [0, 15, 30, 45] }]);
  });
});

describe('whoever reads while it is compacted', () => {
  /** The spans of these: of the activity, and of its archive by the hour. */
  const sentBy = (items: readonly Item[]): string[] => {
    const archived = items
      .filter(({ pk, sk }) => pk.startsWith('archive#') && sk.startsWith('sent#'))
      .flatMap((item) => parseItem(item, web) ?? [])
      .flatMap((item) => (item.kind === 'sent' ? sentIn(item) : []));
    return [
      ...new Set([...whatWasSent([read(items)]).keys(), ...archived.map(({ spanId }) => spanId)]),
    ].sort();
  };

  it('page by page, at any moment: finds what stays and what was sent, and nothing that was not there', async () => {
    const rounds = Array.from({ length: 14 }, (_, n) => event(n * 20 * minute, pod, 'BackOff', `${n}`));
    const story = [ofPod(0), ...firstHour(), ...rounds];
    const commits = rounds.map((_, n) => (n + 2) * 20 * minute);
    const { items, ...settled } = settle({ story, commits, now: 5.5 * hour });
    const compactions = planCompaction(settled, defaultThresholds, at(5.5 * hour));
    expect(compactions).toHaveLength(2);
    const kept = told(carriedOut(items, compactions)).map((observation) => JSON.stringify(observation));
    const before = new Set(told(items).map((observation) => JSON.stringify(observation)));
    const sent = sentBy(carriedOut(items, []));
    expect([kept.length < before.size, sent.length > 40]).toEqual([true, true]);

    // Each item is a step, in any order within a put and within a removal.
    const facts = fc.record({
      shuffled: fc.tuple(
        ...compactions.flatMap(({ put, remove }) => [
          fc.shuffledSubarray(put, { minLength: put.length }),
          fc.shuffledSubarray(remove, { minLength: remove.length }),
        ]),
      ),
      moments: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 }),
      page: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    await checkProperty(
      fc.asyncProperty(facts, async ({ shuffled, moments, page }) => {
        const steps = (shuffled as (Item | { pk: string; sk: string })[][]).flat();
        const after = (share: number) =>
          carriedOut(
            items,
            steps
              .slice(0, Math.round(share * steps.length))
              .map((step) =>
                'expiresAt' in step ? { put: [step], remove: [] } : { put: [], remove: [step] },
              ),
          );
        const [first, second, third] = moments.toSorted((a, b) => a - b).map(after) as [
          Item[],
          Item[],
          Item[],
        ];
        const keys = [...new Set([...first, ...second].map(({ sk }) => sk))].sort();
        const until = keys[Math.floor(page * (keys.length - 1))]!;
        const isOwn = ({ pk }: Item) => pk.startsWith('activity#');
        // A first page, another later, and the archive after both.
        const seen = [
          ...first.filter((item) => isOwn(item) && item.sk <= until),
          ...second.filter((item) => isOwn(item) && item.sk > until),
          ...third.filter((item) => !isOwn(item)),
        ];
        const found = new Set(told(seen).map((observation) => JSON.stringify(observation)));
        expect(kept.filter((observation) => !found.has(observation))).toEqual([]);
        expect([...found].filter((observation) => !before.has(observation))).toEqual([]);
        expect(sentBy(seen)).toEqual(sent);
      }),
      60,
    );
  });
});

it('what is left assembles as all of it did: of spans that are still to come, none is told in another way', () => {
  const story: Observation[] = [
    ofPod(0),
    ...firstHour(),
    event(175 * minute, pod, 'Failed', 'x'),
    event(185 * minute, pod, 'BackOff', 'x'),
    event(4.9 * hour, pod, 'Failed', 'y'),
  ];
  const { items, ...settled } = settle({ story });
  const after = carriedOut(items, planCompaction(settled, defaultThresholds, at(5 * hour)));
  expect(told(after).length).toBeLessThan(story.length - 48);
  const late = event(4.95 * hour, pod, 'BackOff', 'late');
  const tell = (some: readonly Item[]): Span[] => {
    const sent = whatWasSent([read(some)]);
    return assemble({ cluster, observations: [...told(some), late], sent, now: 10n ** 19n })
      .map(({ span }) => span)
      .filter(({ startTimeUnixNano }) => BigInt(startTimeUnixNano) >= BigInt(at(3 * hour)) * 1_000_000n);
  };
  expect(tell(after)).toEqual(tell(items));
});
