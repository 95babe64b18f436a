/** What no API server would let in: texts of any length and any Unicode, in every field of an observation that may hold one. */
import fc from 'fast-check';
import type { EventOccurrence, ObjectSnapshot, Observation } from '../shared/observation.ts';

/** Halves of characters, controls, what XML does not take, and the usual. */
const oddities = [
  '\ud800',
  '\udfff',
  '\u0000',
  '\u001f',
  '\ufffe',
  '\uffff',
  '🚀',
  '你',
  'é',
  '/',
  '#',
  '~',
  '\n',
  '-',
];
const unit = fc.oneof(
  fc.constantFrom(...oddities),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
);

/** Mostly short, else up to `longest` characters, so that few of one observation are long. */
export const wildText = (longest: number): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.string({ unit, minLength: 1, maxLength: 20 }) },
    { weight: 2, arbitrary: fc.integer({ min: 200, max: 300 }).map((length) => 'n'.repeat(length)) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.string({ unit, minLength: 1, maxLength: 50 }), fc.integer({ min: 1, max: longest }))
        .map(([text, length]) => text.repeat(Math.ceil(length / text.length)).slice(0, length)),
    },
    // Does not compress.
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.integer({ min: 1, max: 2 ** 31 }), fc.integer({ min: 1, max: longest }))
        .map(([seed, length]) => noise(seed, length)),
    },
  );

/** Repeats itself further back than deflate looks. */
function noise(seed: number, length: number): string {
  let state = seed;
  const characters = Array.from({ length: Math.min(length, 50_000) }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return String.fromCharCode(0x4e00 + ((state >>> 8) % 20_000));
  });
  return characters
    .join('')
    .repeat(Math.ceil(length / 50_000))
    .slice(0, length);
}

const time = fc.constantFrom(
  '2026-03-01T12:00:00Z',
  '2026-03-01T12:00:07.123456Z',
  `2026-03-01T12:00:09.${'1'.repeat(5_000)}Z`,
);

const optional = { requiredKeys: [] };

/** Of `longest` characters in a field at most, and of a few of each list. */
export function wildObservation(longest: number): fc.Arbitrary<Observation> {
  return fc.oneof(wildEvent(longest), wildObject(longest));
}

const marksOf = (text: fc.Arbitrary<string>) => fc.dictionary(text, text, { maxKeys: 3 });

export function wildEvent(longest: number): fc.Arbitrary<EventOccurrence> {
  const text = wildText(longest);
  const any = fc.oneof(text, fc.constant(''));
  const reference = fc.record(
    {
      apiVersion: text,
      kind: fc.oneof(fc.constantFrom('Pod', 'Node', ''), any),
      namespace: text,
      name: any,
      uid: text,
      fieldPath: fc.oneof(text, fc.constant('spec.containers{app}')),
      resourceVersion: fc.oneof(text, fc.constant('12')),
    },
    { requiredKeys: ['kind', 'name'] },
  );
  const details = fc.record(
    {
      uid: text,
      name: any,
      namespace: text,
      resourceVersion: text,
      count: fc.integer({ min: 1, max: 3 }),
      reason: fc.oneof(fc.constantFrom('Killing', 'Scheduled', 'Failed'), any),
      message: fc.oneof(
        any,
        text.map((name) => `Created pod: ${name}`),
      ),
      type: fc.oneof(fc.constantFrom('Normal', 'Warning'), any),
      action: text,
      subject: reference,
      related: reference,
      reporter: fc.record({ component: text, instance: text }, optional),
      firstTimestamp: time,
      lastTimestamp: time,
      eventTime: time,
      lastObservedTime: time,
      annotations: marksOf(any),
    },
    { requiredKeys: ['uid', 'name', 'count', 'reason', 'message', 'type', 'subject', 'reporter'] },
  );
  return fc.record({
    type: fc.constant('event' as const),
    observedAt: time,
    event: details,
  }) as fc.Arbitrary<EventOccurrence>;
}

function wildObject(longest: number): fc.Arbitrary<ObjectSnapshot> {
  const text = wildText(longest);
  const count = fc.integer({ min: 0, max: 5 });
  const few = <T>(each: fc.Arbitrary<T>) => fc.array(each, { maxLength: 3 });
  const kind = fc.oneof(fc.constantFrom('Pod', 'Deployment', 'Node'), text);
  const ended = fc.record(
    { reason: text, exitCode: count, startedAt: time, finishedAt: time },
    { requiredKeys: ['exitCode'] },
  );
  const container = fc.record(
    {
      name: text,
      restarts: count,
      runningSince: time,
      waiting: text,
      terminated: ended,
      lastTerminated: ended,
    },
    { requiredKeys: ['name'] },
  );
  const condition = fc.record(
    { type: text, status: text, reason: text, message: text, lastTransitionTime: time },
    { requiredKeys: ['type', 'status'] },
  );
  const manager = fc.record(
    { manager: text, operation: text, subresource: text, time, fields: text, fieldCount: count },
    { requiredKeys: ['manager', 'operation'] },
  );
  const status = fc.record(
    {
      phase: text,
      health: text,
      operation: text,
      revision: text,
      currentRevision: text,
      conditions: few(condition),
      containers: few(container),
    },
    optional,
  );
  const object = fc.record(
    {
      apiVersion: text,
      kind,
      namespace: text,
      name: text,
      uid: text,
      resourceVersion: fc.oneof(text, fc.constant('12')),
      generation: count,
      creationTimestamp: time,
      deletionTimestamp: time,
      owner: fc.record({ kind, name: text, uid: text }),
      annotations: marksOf(text),
      labels: marksOf(text),
      managers: few(manager),
      specDigest: text,
      spec: fc.record(
        {
          key: text,
          template: text,
          values: fc.dictionary(text, fc.oneof(text, count)),
          digests: marksOf(text),
        },
        { requiredKeys: ['key', 'values', 'digests'] },
      ),
      restartedAt: text,
      nodeName: text,
      claims: few(text),
      scaleTargetRef: fc.record({ kind, name: text }),
      updateStrategy: text,
      status,
    },
    { requiredKeys: ['apiVersion', 'kind', 'name', 'uid'] },
  );
  return fc.record({
    type: fc.constant('object' as const),
    observedAt: time,
    deleted: fc.boolean(),
    object,
  }) as fc.Arbitrary<ObjectSnapshot>;
}
