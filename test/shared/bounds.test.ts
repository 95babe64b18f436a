/** Lengths are bounded where observations enter: what is hashed, what is cut, and that ids are still those of the original. */
import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundCluster, boundObservation } from '../../shared/bounds.ts';
import { changeSpanId, occurrenceSpanId, traceIdOf, transitionSpanId } from '../../shared/ids.ts';
import { type EventOccurrence, type ObjectSnapshot, parseObservation } from '../../shared/observation.ts';
import { checkProperty } from '../check-property.ts';
import { event, snapshot, thing } from '../functions/correlator/causality/cluster-story.ts';
import { wildObservation, wildText } from '../wild-observations.ts';

const pod = thing('Pod', 'web-1-a');
const boundEvent = (details: Partial<EventOccurrence['event']>) => {
  const bounded = boundObservation(event(1, pod, 'Started', 'x', details));
  if (bounded.type !== 'event') throw new Error('no Event');
  return bounded.event;
};
const boundObject = (details: Partial<ObjectSnapshot['object']>) => {
  const bounded = boundObservation(snapshot(1, pod, details));
  if (bounded.type !== 'object') throw new Error('no object');
  return bounded.object;
};
const bytes = (text: string) => Buffer.byteLength(text);

describe('a text', () => {
  it('of 8 kB stays, a longer message is cut, and that is said', () => {
    const longest = 'x'.repeat(8_192);
    expect(boundEvent({ message: longest })).toMatchObject({ message: longest });
    expect(boundEvent({ message: longest })).not.toHaveProperty('truncated');
    expect(boundEvent({ message: `${longest}!` })).toMatchObject({
      message: longest,
      truncated: ['message'],
    });
  });

  it('is cut between characters', () => {
    for (const character of ['é', '你', '🚀']) {
      for (const before of ['', 'a', 'ab', 'abc']) {
        const { message } = boundEvent({ message: before + character.repeat(8_192) });
        expect(message).toMatch(new RegExp(`^${before}(?:${character})+$`, 'u'));
        expect(8_192 - bytes(message)).toBeLessThan(bytes(character));
      }
    }
  });

  it('has its bound by what it is', () => {
    const { reason, annotations } = boundEvent({
      reason: 'R'.repeat(129),
      annotations: { traceparent: 'x'.repeat(2_000), ['k'.repeat(400)]: 'gone' },
    });
    expect(reason).toBe('R'.repeat(128));
    expect(annotations).toEqual({ traceparent: 'x'.repeat(1_024) });
  });
});

describe('what says who somebody is', () => {
  it('is never cut: two that differ at the end stay two, and begin as they did', () => {
    const names = ['a', 'b'].map((end) => boundObject({ name: `web-${'x'.repeat(300)}${end}` }).name);
    expect(names[0]).not.toBe(names[1]);
    for (const name of names) expect(name).toMatch(/^web-x{216}~[0-9a-f]{32}$/);
  });

  it('stays up to the longest that Kubernetes takes', () => {
    const object = {
      name: 'n'.repeat(253),
      uid: 'u'.repeat(253),
      namespace: 'n'.repeat(63),
      kind: 'K'.repeat(63),
      apiVersion: `${'g'.repeat(253)}/v1`,
    };
    expect(boundObject(object)).toMatchObject(object);
    expect(boundObject(object)).not.toHaveProperty('truncated');
    const { truncated, ...longer } = boundObject(
      Object.fromEntries(Object.entries(object).map(([key, value]) => [key, `${value}${'x'.repeat(99)}`])),
    );
    expect(truncated).toEqual(['apiVersion', 'kind', 'name', 'namespace', 'uid']);
    expect([longer.name.length, longer.kind.length, longer.namespace?.length]).toEqual([253, 63, 63]);
  });

  it('of a cluster, too', () => {
    expect(boundCluster({ uid: 'c1', name: 'prod' })).toEqual({ uid: 'c1', name: 'prod' });
    const attributes = Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`a${i}`, 'b'.repeat(999)]));
    const bounded = Object.values(boundCluster({ attributes }).attributes!);
    expect(bounded.map(({ length }) => length)).toEqual(Array(8).fill(128));
    const { uid, name } = boundCluster({ uid: 'c'.repeat(1_000), name: 'p'.repeat(1_000) });
    expect(uid!.length).toBeLessThanOrEqual(253);
    expect(name!.length).toBe(253);
  });
});

describe('ids', () => {
  const sha256 = (text: string) => hash('sha256', text, 'hex');

  it('are those of the original UID, however long it was', () => {
    checkProperty(
      fc.property(wildText(5_000), fc.integer({ min: 1, max: 1e9 }), fc.string(), (uid, count, change) => {
        fc.pre(uid !== '');
        const bounded = boundEvent({ uid }).uid;
        expect(bounded.length).toBeLessThanOrEqual(253);
        expect(occurrenceSpanId(bounded, count)).toBe(sha256(`${uid}/${count}`).slice(0, 16));
        const root = boundObject({ uid }).uid;
        expect(traceIdOf(root, change)).toBe(sha256(`${uid}/${change}`).slice(0, 32));
        expect(changeSpanId(root, change)).toBe(sha256(`${uid}/${change}/root`).slice(0, 16));
        expect(transitionSpanId(root, `Ready//${change}`)).toBe(
          sha256(`${uid}/Ready//${change}`).slice(0, 16),
        );
      }),
      300,
    );
  });

  it('of UIDs around the ends of SHA-256’s blocks', () => {
    for (let length = 254; length < 400; length++) {
      const uid = 'u'.repeat(length);
      for (const change of ['1', 'x'.repeat(55), 'x'.repeat(56), 'x'.repeat(64)])
        expect(traceIdOf(boundObject({ uid }).uid, change)).toBe(sha256(`${uid}/${change}`).slice(0, 32));
    }
  });
});

it('an object that is too long as a whole keeps what says who it is: its longest lists go, and that is said', () => {
  const conditions = Array.from({ length: 20 }, (_, i) => ({
    type: `T${i}`,
    status: 'True',
    message: 'm'.repeat(8_000),
  }));
  const { status, uid, claims, truncated } = boundObject({
    status: { conditions, phase: 'Running' },
    claims: ['c'],
  });
  expect({ uid, claims, status, truncated }).toEqual({
    uid: pod.uid,
    claims: ['c'],
    status: { phase: 'Running' },
    truncated: ['status.conditions'],
  });
});

describe('what a spec says', () => {
  const path = 'spec.template.spec.containers[app].image';

  it('stays two where two differ after what may be shown of them', () => {
    const images = ['a', 'b'].map(
      (tag) =>
        boundObject({ spec: { key: 'k', values: { [path]: `${'x'.repeat(300)}:${tag}` }, digests: {} } })
          .spec!.values[path],
    );
    expect(images[0]).not.toBe(images[1]);
    expect(images.map((image) => String(image).length)).toEqual([253, 253]);
  });

  it('goes whole where the object is too long with it', () => {
    const sections = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [`spec.${i}${'p'.repeat(200)}`, 'v'.repeat(200)]),
    );
    const { spec, claims, truncated } = boundObject({
      spec: { key: 'k', values: sections, digests: {} },
      claims: ['c'],
    });
    expect({ spec, claims, truncated }).toEqual({ claims: ['c'], truncated: ['spec'] });
  });
});

it('whatever an observation holds, it is small afterwards, and bounding it again changes nothing', () => {
  checkProperty(
    fc.property(wildObservation(200_000), (observation) => {
      const parsed = parseObservation(observation);
      if (!parsed.ok) throw new Error(parsed.reason);
      expect(bytes(JSON.stringify(parsed.value))).toBeLessThan(512 * 1024);
      expect(boundObservation(parsed.value)).toBe(parsed.value);
      expect(parseObservation(JSON.parse(JSON.stringify(parsed.value)))).toEqual(parsed);
    }),
    50,
  );
});
