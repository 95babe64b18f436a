/**
 * A cluster of several partition keys: each root has one, a shard may be minutes behind, and what belongs together is together all the
 * same.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClusterObservations } from '../../../../infra/local/read-clusters.ts';
import { clusterOf } from '../../../../infra/local/read-recording.ts';
import { arrivalOf } from '../../../../infra/local/simulate/ship-observations.ts';
import { simulate } from '../../../../infra/local/simulate/simulate.ts';
import { checkProperty } from '../../../check-property.ts';
import { readRecording } from '../../../read-recordings.ts';
import { failuresOf, seeds } from './seeds.ts';

const minute = 60_000;
const partitions = 4;

async function recorded(file: string): Promise<ClusterObservations[]> {
  const observations = await readRecording(file);
  return [{ cluster: clusterOf(observations), observations }];
}

/** What the spans say that is not said by whoever sees everything at once; ends may come late. */
async function run(file: string, lag?: { shard: number; minutes: number }) {
  const clusters = await recorded(file);
  const first = Math.min(...clusters[0]!.observations.map(arrivalOf));
  const lags =
    lag === undefined ? [] : [{ shard: lag.shard, from: first, until: first + lag.minutes * minute }];
  const simulated = await simulate(clusters, { seed: 1, faults: 'none', partitions, lags });
  const isLate = (name: string) => name === 'endTimeUnixNano' || name === 'rootspan.change.errors';
  const { different, unknown } = simulated.verdict;
  return {
    failures: failuresOf(simulated),
    different: different.filter(({ differs }) => !differs.every(isLate)).map(({ span }) => span.name),
    unknown: unknown.map(({ name }) => name),
  };
}

const whole = { failures: [], different: [], unknown: [] };

it('whatever else AWS does, nothing is lost and nothing contradicted', async () => {
  const clusters = await recorded('drain.jsonl');
  const first = Math.min(...clusters[0]!.observations.map(arrivalOf));
  await checkProperty(
    fc.asyncProperty(
      seeds,
      fc.array(
        fc.record({
          shard: fc.integer({ min: 0, max: partitions - 1 }),
          from: fc.integer({ min: 0, max: 10 * minute }),
          lasts: fc.integer({ min: 1_000, max: 40 * minute }),
        }),
        { maxLength: 4 },
      ),
      async (seed, drawn) => {
        const lags = drawn.map(({ shard, from, lasts }) => ({
          shard,
          from: first + from,
          until: first + from + lasts,
        }));
        const simulated = await simulate(clusters, { seed, faults: 'all', partitions, lags });
        expect(failuresOf(simulated), `seed ${seed}, ${JSON.stringify(lags)}`).toEqual([]);
      },
    ),
    8,
  );
}, 120_000);

describe('on four keys', () => {
  it.each(['drain.jsonl', 'deployment-image-update.jsonl', 'gitops.jsonl'])(
    '%s: what meets across keys meets',
    async (file) => {
      expect(await run(file)).toEqual(whole);
    },
  );

  it.each([0, 1, 2, 3])(
    'shard %i is three minutes behind: that is no quiet, and every trace is whole',
    async (shard) => {
      expect(await run('drain.jsonl', { shard, minutes: 3 })).toEqual(whole);
    },
  );

  it.each([0, 1, 2, 3])(
    'shard %i is half an hour behind: the others go on, nothing is lost and nothing contradicted',
    async (shard) => {
      expect((await run('drain.jsonl', { shard, minutes: 30 })).failures).toEqual([]);
    },
  );
});
