/**
 * Nothing that is sent in can stop it: what an old forwarder ships as it came, of any length and any Unicode, is filed and settles
 * beside everything else, and as `explain` shows it.
 */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../../functions/correlator/store.ts';
import { packBatch } from '../../../shared/batch-codec.ts';
import { boundObservation } from '../../../shared/bounds.ts';
import type { EventOccurrence, Observation } from '../../../shared/observation.ts';
import type { Span } from '../../../shared/span.ts';
import { checkProperty } from '../../check-property.ts';
import { wildEvent, wildObservation } from '../../wild-observations.ts';
import { event, rollout, thing } from './causality/cluster-story.ts';
import { cluster, received, record, startPipeline, wholeStory } from './pipeline.ts';
import { startDynaliteStore } from './start-dynalite-store.ts';

/** A record as a forwarder without bounds would make it. */
const recordOf = (observations: readonly Observation[], sequenceNumber: string) =>
  record(
    sequenceNumber,
    packBatch([{ version: 1, cluster }, ...observations].map((line) => JSON.stringify(line)).join('\n')),
  );

const explained = (observations: readonly Observation[]): Span[] =>
  wholeStory(observations.map(boundObservation));

async function settled(records: readonly (readonly Observation[])[], store?: (now: () => number) => Store) {
  const pipeline = startPipeline(store === undefined ? {} : { store });
  await pipeline.ingest({ Records: records.map((own, i) => recordOf(own, String(100 + i))) });
  await pipeline.runTimers();
  expect(pipeline.remarks.filter(({ kind }) => kind === 'settle-failed')).toEqual([]);
  return pipeline;
}

const long = (length: number) => 'x'.repeat(length);
const noise = (length: number) => randomBytes(length).toString('base64').slice(0, length);
let told = 0;
const about = (subject: Partial<EventOccurrence['event']['subject']>, message = 'x', details = {}) =>
  event(1, thing('Pod', 'a'), 'Failed', message, {
    uid: `e${told++}`,
    subject: { kind: 'Pod', namespace: 'shop', name: 'a', ...subject },
    ...details,
  });

const cases: Record<string, Observation> = {
  'a UID of 2,100 characters': about({ uid: long(2_100) }),
  'a UID of 1,010 characters, which names an item': about({ uid: long(1_010) }),
  'a name of 2,100 characters without a UID': about({ name: long(2_100) }),
  'all names of 3,000 characters': about({ kind: long(3_000), namespace: long(3_000), name: long(3_000) }),
  'names of wide characters': about({
    kind: '你'.repeat(63),
    namespace: '你'.repeat(63),
    name: '你'.repeat(253),
  }),
  'half a character': about({ uid: '\ud800' }, '\udfff'),
  'a message of 480 kB that does not compress': about({ uid: 'u1' }, noise(480_000)),
  'a Warning of 300 kB that does not compress': about({ uid: 'u2' }, noise(300_000), { type: 'Warning' }),
  'an Event’s own UID of 400 kB': about({ uid: 'u3' }, 'x', { uid: long(400_000) }),
  'a reporter of 100 kB': about({ uid: 'u4' }, 'x', {
    reporter: { component: long(1e5), instance: long(1e5) },
  }),
};

describe.each(Object.entries(cases))('%s', (_, strange) => {
  it('stops nobody else, and settles as it is explained', async () => {
    const good = rollout(0).observations;
    const pipeline = await settled([good, [strange]]);
    expect(pipeline.poison).toEqual([]);
    expect(received(pipeline)).toEqual(explained([...good, strange]));
  });
});

describe('on DynamoDB', () => {
  let started: Awaited<ReturnType<typeof startDynaliteStore>>;
  beforeAll(async () => {
    started = await startDynaliteStore();
  });
  afterAll(() => started.stop());

  it('all of them in one batch', async () => {
    const all = Object.values(cases);
    const good = rollout(0).observations;
    const pipeline = await settled([good, ...all.map((one) => [one])], started.make);
    expect(received(pipeline)).toEqual(explained([...good, ...all]));
  });
});

/** Most of them into a record; some not into an item. */
const fitting = fc.oneof(wildObservation(2_000), wildObservation(70_000), wildEvent(200_000));

it('whatever is sent in is filed, or set aside where it is too much for a record; all others are told', async () => {
  await checkProperty(
    fc.asyncProperty(fc.array(fitting, { minLength: 1, maxLength: 4 }), async (strange) => {
      const good = rollout(0).observations;
      const { sends, poison } = await settled([good, ...strange.map((one) => [one])]);
      expect(poison.filter(({ reason }) => !reason.includes('ERR_BUFFER_TOO_LARGE'))).toEqual([]);
      const ids = new Set(sends.flat().map(({ spanId }) => spanId));
      for (const { spanId } of explained(good)) expect(ids).toContain(spanId);
    }),
    40,
  );
});

it('whatever has megabytes is explained', () => {
  checkProperty(
    fc.property(fc.array(wildObservation(2_000_000), { minLength: 1, maxLength: 3 }), (strange) => {
      expect(explained(strange).length).toBeGreaterThanOrEqual(0);
    }),
    5,
  );
});
