import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBatch, encodeBatches } from '../../shared/batch-codec.ts';
import { PoisonError } from '../../shared/errors.ts';
import { readRecording } from '../read-recordings.ts';

const cluster = { uid: 'c1', name: 'prod' };
const observations = await readRecording('deployment-image-update.jsonl');

describe('batches', () => {
  it('hold every observation once, in order, however small a batch may be', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2_000, max: 60_000 }), (maxBytes) => {
        const { records, rejected } = encodeBatches(cluster, observations, maxBytes);
        const decoded = records.map(decodeBatch);
        expect(rejected).toEqual([]);
        expect(decoded.flatMap((batch) => batch.observations)).toEqual(observations);
        expect(decoded.every((batch) => batch.cluster.name === 'prod' && batch.rejected.length === 0)).toBe(
          true,
        );
      }),
      { numRuns: 10 },
    );
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
    const { observations: good, rejected } = decodeBatch(
      pack(header, JSON.stringify(observations[0]), bad, '{"cut', JSON.stringify(observations[1])),
    );
    expect(good).toEqual(observations.slice(0, 2));
    expect(rejected.map(({ payload }) => payload)).toEqual([bad, '{"cut']);
    expect(rejected[0]!.reason).toBe('observedAt is not an RFC 3339 time');
  });

  it.each([
    ['no compression', new TextEncoder().encode(header), /not a compressed batch/],
    ['another version', pack(JSON.stringify({ version: 2, cluster: {} })), /batch header: version/],
    ['no header', pack('hello'), /batch header/],
    ['a bomb', zstdCompressSync(Buffer.alloc(64 << 20)), /not a compressed batch/],
  ])('%s is poison', (_, bytes, message) => {
    expect(() => decodeBatch(bytes)).toThrow(PoisonError);
    expect(() => decodeBatch(bytes)).toThrow(message);
  });
});
