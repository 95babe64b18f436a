import { describe, expect, it } from 'vitest';
import { type AssembledSpan, assemble } from '../../../functions/correlator/causality/assemble.ts';
import { type Bounds, firstClosing, keysOf, pickSpans } from '../../../functions/correlator/pick-spans.ts';
import type { Observation } from '../../../shared/observation.ts';
import { atSecond, atTheEnd, event, rollout, snapshot, thing } from './causality/cluster-story.ts';

const always: Bounds = { horizon: 0n, compactedUntil: 0n, unsent: new Set() };
const { observations, deployment, replicaSet, pod } = rollout(0);
/** Its container starts at second 2, and it is ready at second 4: a span that only its snapshots tell. */
const ready = snapshot(4, pod, {
  creationTimestamp: '2026-03-01T12:00:00Z',
  status: {
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-03-01T12:00:04Z' }],
    containers: [{ name: 'app', runningSince: '2026-03-01T12:00:02Z' }],
  },
});
const story: Observation[] = [...observations, event(2, pod, 'Pulled', 'image'), ready];
const assembledAt = (now: bigint): AssembledSpan[] => assemble({ cluster: {}, observations: story, now });

interface Asked {
  now?: bigint;
  own?: readonly Observation[];
  sent?: (span: AssembledSpan['span']) => boolean;
  bounds?: Partial<Bounds>;
}

/** What is sent now, and what later, by name. */
function pick({ now = atTheEnd, own = story, sent = () => false, bounds = {} }: Asked) {
  const assembled = assembledAt(now);
  const sentSpans = assembled.map(({ span }) => span).filter(sent);
  const { final, open } = pickSpans(
    assembled,
    keysOf(own),
    new Map(sentSpans.map((span) => [span.spanId, span])),
    { ...always, ...bounds },
  );
  return { final: final.map(({ name }) => name), open: open.map(({ span }) => span.name) };
}
const all = [
  'Deployment.Create',
  'Deployment.ScalingReplicaSet',
  'Pod.Pulled',
  'Pod.Ready',
  'Pod.Scheduled',
  'ReplicaSet.SuccessfulCreate',
];

describe('an activity sends', () => {
  it('all that its observations tell, once its traces are closed', () => {
    const { final, open } = pick({});
    expect(final.toSorted()).toEqual(all);
    expect(open).toEqual([]);
  });

  it('no span that another activity’s observations tell', () => {
    const ofPod = story.filter(
      (told) => (told.type === 'event' ? told.event.subject : told.object).uid === pod.uid,
    );
    expect(pick({ own: ofPod }).final.toSorted()).toEqual(['Pod.Pulled', 'Pod.Ready', 'Pod.Scheduled']);
  });

  it('no span twice', () =>
    expect(pick({ sent: ({ name }) => name !== 'Pod.Pulled' })).toEqual({ final: ['Pod.Pulled'], open: [] }));

  it('what can still change later', () => {
    const { final, open } = pick({ now: atSecond(30) });
    expect(open).toContain('Deployment.Create');
    expect([...final, ...open].toSorted()).toEqual(all);
  });

  it('in the order of explain: by trace, start and span', () => {
    const { final } = pick({ own: story.toReversed() });
    expect(final.indexOf('Pod.Scheduled')).toBeLessThan(final.indexOf('Pod.Pulled'));
    expect(final).toEqual(pick({}).final);
  });
});

describe('what only snapshots tell, they tell for as long as there are any:', () => {
  const toldBySnapshots = ['Deployment.Create', 'Pod.Ready'];
  const without = (names: readonly string[]) => all.filter((name) => !names.includes(name));

  it('of what is older than the horizon nobody knows whether it was sent: not', () =>
    expect(pick({ bounds: { horizon: atSecond(3) } }).final.toSorted()).toEqual(without(toldBySnapshots)));
  it('the horizon itself is not older', () =>
    expect(pick({ bounds: { horizon: atSecond(2) } }).final.toSorted()).toEqual(
      without(['Deployment.Create']),
    ));

  it('where observations until then were left out: not, or half a trace would be told in another way', () =>
    expect(pick({ bounds: { compactedUntil: atSecond(2) } }).final.toSorted()).toEqual(
      without(toldBySnapshots),
    ));
  it('what comes after those is told', () =>
    expect(pick({ bounds: { compactedUntil: atSecond(1) } }).final.toSorted()).toEqual(
      without(['Deployment.Create']),
    ));
  it('what was still to be sent when they were left out is told', () => {
    const root = assembledAt(atTheEnd).find(({ span }) => span.name === 'Deployment.Create')!.span.spanId;
    const bounds = { compactedUntil: atSecond(2), unsent: new Set([root]) };
    expect(pick({ bounds }).final.toSorted()).toEqual(without(['Pod.Ready']));
  });
  it('but not beyond the horizon', () => {
    const unsent = new Set(assembledAt(atTheEnd).map(({ span }) => span.spanId));
    const bounds = { compactedUntil: atSecond(2), unsent, horizon: atSecond(3) };
    expect(pick({ bounds }).final.toSorted()).toEqual(without(toldBySnapshots));
  });
});

describe('which spans observations tell', () => {
  it('an Event: its occurrence, and the first one of which it says when it was', () =>
    expect(keysOf([event(0, pod, 'BackOff', 'x', { uid: 'e', count: 5 })])).toEqual(new Set(['e/1', 'e/5'])));
  it('a snapshot: the roots of its object’s changes, and its transitions', () =>
    expect(keysOf([snapshot(0, thing('Pod', 'a')), snapshot(5, thing('Pod', 'a'))])).toEqual(
      new Set(['uid-Pod-a']),
    ));
  it('together: all that is assembled of them', () => {
    const keys = keysOf(story);
    expect(assembledAt(atTheEnd).filter(({ key }) => !keys.has(key))).toEqual([]);
    expect(keys).toContain(deployment.uid);
    expect(keys).toContain(replicaSet.uid);
  });
});

describe('when the first open span can be sent', () => {
  const closing = (...milliseconds: number[]) =>
    firstClosing(
      milliseconds.map((at) => ({ ...assembledAt(atTheEnd)[0]!, finalAt: BigInt(at) * 1_000_000n + 1n })),
    );
  it('the first of several, in the millisecond after that', () =>
    expect(closing(9000, 5000, 7000)).toBe(5001));
  it('never where none is open', () => expect(closing()).toBeUndefined());
});
