import { gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBatch, encodeBatches, reasonOf } from '../../shared/batch-codec.ts';
import { PoisonError } from '../../shared/errors.ts';
import type { Observation } from '../../shared/observation.ts';
import { checkProperty } from '../check-property.ts';
import { readRecording } from '../read-recordings.ts';

const cluster = { uid: 'c1', name: 'prod' };
const observations = await readRecording('deployment-image-update.jsonl');

describe('batches', () => {
  it('hold every observation once, in order, however small a batch may be', () => {
    checkProperty(
      fc.property(fc.integer({ min: 2_000, max: 60_000 }), (maxBytes) => {
        const { records, rejected } = encodeBatches(cluster, observations, maxBytes);
        const decoded = records.map((record) => decodeBatch(record));
        expect(rejected).toEqual([]);
        expect(decoded.flatMap((batch) => batch.observations)).toEqual(observations);
        expect(decoded.every((batch) => batch.cluster.name === 'prod' && batch.poison === undefined)).toBe(
          true,
        );
      }),
      10,
    );
  });

  it('hold whatever text an Event may have, and no batch is larger than it may be', () => {
    const text = fc.string({ unit: 'binary', maxLength: 300 });
    const occurrence = fc.record({ message: text, reason: text }).map((said): Observation => {
      const [event] = observations.filter(({ type }) => type === 'event');
      if (event?.type !== 'event') throw new Error('no Event');
      return { ...event, event: { ...event.event, ...said } };
    });
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    checkProperty(
      fc.property(
        fc.array(occurrence),
        name,
        fc.integer({ min: 500, max: 4_000 }),
        (given, name, maxBytes) => {
          const { records, rejected } = encodeBatches({ name }, given, maxBytes);
          const decoded = records.map((record) => decodeBatch(record));
          const tooLarge = new Set(rejected.map(({ payload }) => payload));
          expect(decoded.flatMap((batch) => batch.observations)).toEqual(
            given.filter((observation) => !tooLarge.has(JSON.stringify(observation))),
          );
          for (const record of records) {
            expect(zstdDecompressSync(record).byteLength).toBeLessThanOrEqual(maxBytes);
            expect(decodeBatch(record).cluster).toEqual({ name });
          }
        },
      ),
      50,
    );
  });

  it('are recognised by their first bytes: gzip is read as well', () => {
    const [record] = encodeBatches(cluster, observations.slice(0, 3)).records;
    expect(decodeBatch(gzipSync(zstdDecompressSync(record!)))).toEqual(decodeBatch(record!));
  });

  it('are the same bytes for the same observations', () => {
    expect(encodeBatches(cluster, observations)).toEqual(encodeBatches(cluster, observations));
  });

  it('give back what is too large for any', () => {
    const { records, rejected } = encodeBatches(cluster, observations, 700);
    expect(records.flatMap((record) => decodeBatch(record).observations).length + rejected.length).toBe(
      observations.length,
    );
    expect(rejected.length).toBeGreaterThan(0);
    expect(rejected[0]!.reason).toBe('larger than 700 bytes');
  });
});

describe('what cannot be read', () => {
  const pack = (...lines: string[]) => zstdCompressSync(lines.join('\n'));
  const header = JSON.stringify({ version: 1, cluster: {} });

  it('costs no other observation, and the reason names a field, not its value', () => {
    const bad = JSON.stringify({ ...observations[0], observedAt: 'my secret' });
    const { observations: good, poison } = decodeBatch(
      pack(header, JSON.stringify(observations[0]), bad, '{"cut', JSON.stringify(observations[1])),
    );
    expect(good).toEqual(observations.slice(0, 2));
    expect(poison).toEqual({
      count: 2,
      reasons: ['observedAt is not an RFC 3339 time between 1970 and 2262', 'is missing'],
      payload: `${header}\n${bad}\n{"cut`,
    });
  });

  it('is one piece, however many lines it has', () => {
    const flood = pack(`${header}\n${'x\n'.repeat(500_000)}`);
    expect(flood.length).toBeLessThan(200);
    const { observations: good, poison } = decodeBatch(flood);
    expect(good).toEqual([]);
    expect(poison).toMatchObject({ count: 5_001, reasons: [expect.any(String), 'more than 5000 lines'] });
    expect(poison!.payload).toBe(`${header}\n${'x\n'.repeat(500_000)}`);
  });

  it('is told in few words, whatever the names of its fields are', () => {
    const strange = observations.slice(0, 9).map((observation, i) => ({
      ...observation,
      observedAt: undefined,
      object: { annotations: { [String(i).repeat(5_000)]: 1 } },
      event: { annotations: { [String(i).repeat(5_000)]: 1 } },
    }));
    const { poison } = decodeBatch(pack(header, ...strange.map((line) => JSON.stringify(line))));
    expect(poison!.count).toBe(9);
    expect(reasonOf(poison!).length).toBeLessThan(700);
  });

  it('is also what the reader refuses though it can be read', () => {
    const { observations: good, poison } = decodeBatch(
      pack(header, ...observations.slice(0, 3).map((observation) => JSON.stringify(observation))),
      (observation) => (observation.observedAt === observations[1]!.observedAt ? 'too old' : undefined),
    );
    expect(good).not.toContainEqual(observations[1]);
    expect(poison!.reasons).toEqual(['too old']);
  });

  it('is not what nobody here knows, and what of that is large is not kept', () => {
    const [observation] = observations;
    const line = (more: object) => JSON.stringify({ ...observation, ...more });
    const nested = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    const deep = line({ more: 0 }).replace('"more":0', `"more":${nested}`);
    const decoded = decodeBatch(pack(header, line({ more: 'x'.repeat(100_000) }), deep, line({ more: 'y' })));
    expect(decoded.poison).toBeUndefined();
    expect(decoded.observations).toEqual([observation, observation, { ...observation, more: 'y' }]);
  });

  it.each([
    ['no compression', new TextEncoder().encode(header), /not a compressed batch/],
    ['another version', pack(JSON.stringify({ version: 3, cluster: {} })), /batch header: version/],
    ['no header', pack('hello'), /batch header/],
    ['nothing', new Uint8Array(), /not a compressed batch/],
    ['a record cut off', pack(header, 'x'.repeat(999)).subarray(0, 30), /not a compressed batch/],
    ['a bomb', zstdCompressSync(Buffer.alloc(64 << 20)), /not a compressed batch \(ERR_BUFFER_TOO_LARGE\)/],
    ['a bomb in gzip', gzipSync(Buffer.alloc(64 << 20)), /not a compressed batch \(ERR_BUFFER_TOO_LARGE\)/],
  ])('%s is poison', (_, bytes, message) => {
    expect(() => decodeBatch(bytes)).toThrow(PoisonError);
    expect(() => decodeBatch(bytes)).toThrow(message);
  });
});
