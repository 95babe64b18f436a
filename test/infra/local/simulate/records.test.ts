/** Change records through the pipeline: each change that ended is told, what stands still is told while it does, and spans wait for none of it. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Ports } from '../../../../functions/correlator/ports.ts';
import { clusterOf } from '../../../../infra/local/read-recording.ts';
import { measure } from '../../../../infra/local/simulate/measure.ts';
import {
  type Simulated,
  type SimulateSettings,
  simulate,
} from '../../../../infra/local/simulate/simulate.ts';
import { type ChangeRecord, recordOfEnd } from '../../../../shared/change-record.ts';
import type { Observation } from '../../../../shared/observation.ts';
import { checkProperty } from '../../../check-property.ts';
import { inCluster } from '../../../other-clusters.ts';
import { readRecording } from '../../../read-recordings.ts';
import { failuresOf, seeds } from './seeds.ts';

const run = (observations: readonly Observation[], settings: Partial<SimulateSettings> = {}) =>
  simulate([{ cluster: clusterOf(observations), observations }], {
    seed: 1,
    faults: 'none',
    records: true,
    ...settings,
  });

const toldIn = ({ runs }: Simulated) =>
  runs.flatMap(({ records }) => records.map(({ at, record }) => ({ at, record: record as ChangeRecord })));
const ended = (simulated: Simulated): string[] => [
  ...new Set(toldIn(simulated).flatMap(({ record }) => (record.kind === 'ended' ? record.id : []))),
];
const expected = ({ deliveries }: Simulated): string[] => [
  ...new Set(deliveries.flatMap(({ span }) => recordOfEnd(span)?.id ?? [])),
];
const stalls = (simulated: Simulated) =>
  toldIn(simulated).flatMap(({ at, record }) =>
    record.kind === 'stalled'
      ? `${record.object!.name}: ${record.cause!.type} after ${Math.round((at - Date.parse(record.time)) / 60_000)} minutes`
      : [],
  );

/** Nobody mends it, and nobody says anything more. */
const badImage = (await readRecording('bad-image.jsonl')).filter(
  ({ observedAt }) => observedAt < '2026-11-23T04:54:50Z',
);

describe('on a calm day', () => {
  it('each change that ended is told', async () => {
    const simulated = await run(await readRecording('deployment-image-update.jsonl'));
    expect(failuresOf(simulated)).toEqual([]);
    expect(ended(simulated).toSorted()).toEqual(expected(simulated).toSorted());
    expect(stalls(simulated)).toEqual([]);
  });

  it('a change that is kept from getting there is told while it is open, once, and when it is given up', async () => {
    const simulated = await run(badImage);
    expect(failuresOf(simulated)).toEqual([]);
    expect(stalls(simulated)).toEqual(['web: ErrImagePull after 5 minutes']);
    const last = toldIn(simulated).at(-1)!;
    expect(last.record).toMatchObject({ kind: 'ended', outcome: 'stalled', cause: { type: 'ErrImagePull' } });
  });

  it.each([
    ['crash-loop.jsonl', ['crash: CrashLoopBackOff after 5 minutes']],
    ['hooks-fail.jsonl', ['post: FailedPostStartHook after 5 minutes']],
    ['pvc.jsonl', ['stuck: FailedScheduling after 6 minutes']],
    ['slow-ready.jsonl', []],
    ['drain.jsonl', []],
    ['paused-and-resumed.jsonl', []],
  ])('%s: what stalls, and nothing that is slow and moves', async (file, stalled) => {
    const simulated = await run(await readRecording(file));
    expect(failuresOf(simulated)).toEqual([]);
    expect(stalls(simulated)).toEqual(stalled);
  });

  it('of outcomes that nobody asked for nothing is put', async () => {
    const observations = await readRecording('deployment-image-update.jsonl');
    const simulated = await run([...observations, ...badImage], { recordOutcomes: new Set(['stalled']) });
    const outcomes = new Set(simulated.deliveries.flatMap(({ span }) => recordOfEnd(span)?.outcome ?? []));
    expect(outcomes).toContain('complete');
    expect(new Set(toldIn(simulated).map(({ record }) => record.outcome))).toEqual(new Set(['stalled']));
    const deaf = await run(badImage, { recordOutcomes: new Set(['complete']) });
    expect(stalls(deaf)).toEqual([]);
  });

  it('costs less than ten cents a million Events, and nothing where nobody wants to be told', async () => {
    const observations = await readRecording('deployment-image-update.jsonl');
    const clusters = [{ cluster: clusterOf(observations), observations }];
    const costs = async (records: boolean) => {
      const settings = { seed: 1, faults: 'none' } as const;
      return measure(clusters, await simulate(clusters, { ...settings, records }), settings);
    };
    const [off, on] = [await costs(false), await costs(true)];
    expect(off.services.bus).toEqual({ requests: 0, readUnits: 0, writeUnits: 0, bytes: 0 });
    const more = on.dollarsPerMillionEvents - off.dollarsPerMillionEvents;
    expect(more).toBeGreaterThan(0);
    expect(more).toBeLessThan(0.1);
  });
});

describe('whatever AWS does', () => {
  it('each change that was sent is told, and spans as ever', () =>
    checkProperty(
      fc.asyncProperty(seeds, async (seed) => {
        const simulated = await run(badImage, { seed, faults: 'all' });
        expect(failuresOf(simulated), `--seed ${seed}`).toEqual([]);
        expect(ended(simulated).toSorted(), `--seed ${seed}`).toEqual(expected(simulated).toSorted());
      }),
      10,
    ));

  it('so is a release, as one', () =>
    checkProperty(
      fc.asyncProperty(seeds, async (seed) => {
        const clusters = ['eu-1', 'eu-2'].map((name, i) =>
          inCluster(badImage, { name, minutes: i * 7, release: 'shop-42' }),
        );
        const simulated = await simulate(clusters, { seed, faults: 'all', records: true });
        expect(failuresOf(simulated), `--seed ${seed}`).toEqual([]);
        const told = toldIn(simulated).filter(({ record }) => record.kind !== 'stalled');
        expect(new Set(told.map(({ record }) => record.id)), `--seed ${seed}`).toEqual(
          new Set(expected(simulated)),
        );
        const ofRelease = told.filter(({ record }) => record.release?.key === 'shop-42');
        expect(new Set(ofRelease.map(({ record }) => record.id)).size, `--seed ${seed}`).toBe(1);
      }),
      3,
    ));

  it('a bus that is away all day holds nothing up, and gets all of it in the end', async () => {
    const observations = await readRecording('deployment-image-update.jsonl');
    let away = 40;
    const wrapPorts = (ports: Ports): Ports => ({
      ...ports,
      ...(ports.records !== undefined && {
        records: {
          ...ports.records,
          put: async (records) => {
            away -= 1;
            return away > 0 ? { later: [...records], refused: [] } : ports.records!.put(records);
          },
        },
      }),
    });
    const calm = await run(observations);
    const simulated = await run(observations, { wrapPorts });
    expect(failuresOf(simulated)).toEqual([]);
    const times = ({ deliveries }: Simulated) => deliveries.map(({ deliveredAt }) => deliveredAt);
    expect(times(simulated).at(-1)! - times(calm).at(-1)!).toBeLessThan(1000);
    expect(ended(simulated).toSorted()).toEqual(expected(simulated).toSorted());
  });
});
