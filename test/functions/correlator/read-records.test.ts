import { describe, expect, it } from 'vitest';
import {
  type KinesisEvent,
  type ReadingSettings,
  readRecords,
  toStreamBatches,
} from '../../../functions/correlator/read-records.ts';
import { createShares } from '../../../functions/correlator/share-stream.ts';
import { defaultClusterRate } from '../../../functions/correlator/thresholds.ts';
import { encodeBatches, type Sender } from '../../../shared/batch-codec.ts';
import type { Poison } from '../../../shared/set-aside.ts';
import type { RateLimit } from '../../../shared/token-buckets.ts';
import { startContext } from '../../support/start-context.ts';
import { rollout } from './causality/cluster-story.ts';

const cluster = { uid: 'c1', name: 'test' };
const { observations } = rollout(0);
type KinesisRecord = KinesisEvent['Records'][number];
const record = (sequenceNumber: string, data: Uint8Array, shard = 0): KinesisRecord => ({
  eventID: `shardId-00000000000${shard}:${sequenceNumber}`,
  kinesis: { sequenceNumber, data: Buffer.from(data).toString('base64') },
});
const good = (sequenceNumber: string, shard = 0) =>
  record(sequenceNumber, encodeBatches(cluster, observations).records[0]!, shard);
const bad = (sequenceNumber: string) => record(sequenceNumber, Buffer.from('not a batch'));

const day = 24 * 3600;

/** Nobody floods, and whoever sends is who he says. */
const calm = {
  horizon: day,
  doubt: () => undefined,
  openShares: createShares(defaultClusterRate, startContext().ports, day),
};

async function read(Records: KinesisRecord[], isAway = false, settings: ReadingSettings = calm) {
  const { ports, remarks } = startContext();
  const poison: Poison[] = [];
  const keep = async (one: Poison) => {
    if (isAway) throw new Error('away');
    poison.push(one);
  };
  return { ...(await readRecords({ Records }, { ...ports, setAside: { keep } }, settings)), poison, remarks };
}

describe('a record', () => {
  it('is its observations, its cluster, and where it is from', async () => {
    const { records, failed } = await read([good('7')]);
    expect(records).toMatchObject([{ cluster, observations, source: 'shardId-000000000000:7' }]);
    expect(failed).toBeUndefined();
  });

  it('that cannot be read is set aside as it came, and holds nothing back', async () => {
    const { records, failed, poison, remarks } = await read([good('1'), bad('2'), good('3')]);
    expect(records.map(({ observations: some }) => some.length)).toEqual([6, 0, 6]);
    expect(failed).toBeUndefined();
    expect(poison).toMatchObject([
      { source: 'shardId-000000000000:2', payload: Buffer.from('not a batch').toString('base64') },
    ]);
    expect(remarks).toMatchObject([{ kind: 'set-aside', source: 'shardId-000000000000:2' }]);
  });

  it('that cannot be set aside comes again, with what follows; what came before is there', async () => {
    const { records, failed, remarks } = await read([good('1'), bad('2'), good('3')], true);
    expect(records.map(({ source }) => source)).toEqual(['shardId-000000000000:1']);
    expect(failed).toBe('2');
    expect(remarks).toMatchObject([{ kind: 'not-set-aside' }]);
  });
});

describe('of a cluster that sends more than its share', () => {
  const at = (one: KinesisRecord, seconds: number): KinesisRecord => ({
    ...one,
    kinesis: { ...one.kinesis, approximateArrivalTimestamp: seconds },
  });
  const calmOne = (sequenceNumber: string) =>
    record(sequenceNumber, encodeBatches({ uid: 'calm' }, observations).records[0]!);
  // A record has six observations.
  const sharing = (limit: RateLimit) => ({
    ...calm,
    openShares: createShares(limit, startContext().ports, day),
  });
  const shares = () => sharing({ burst: 12, perSecond: 6 });

  it('what is beyond it is held whole, in one piece, and told; the others of the shard are filed', async () => {
    const all = [good('1'), good('2'), calmOne('3'), good('4'), good('5'), calmOne('6')];
    const { records, failed, poison, remarks } = await read(
      all.map((one) => at(one, 1000)),
      false,
      shares(),
    );
    expect(records.map(({ source }) => source.split(':')[1])).toEqual(['1', '2', '3', '6']);
    expect(failed).toBeUndefined();
    expect(poison).toEqual([
      {
        reason: 'beyond the share of its cluster',
        source: 'shardId-000000000000:4',
        payload: [all[3], all[4]].map((one) => one!.kinesis.data).join('\n'),
      },
    ]);
    expect(remarks).toEqual([
      { kind: 'held', source: 'shardId-000000000000:4', cluster: 'c1', records: 2, observations: 12 },
    ]);
  });

  it('what came slowly is no flood, however late and fast it is read', async () => {
    const records = Array.from({ length: 50 }, (_, second) => at(good(`${second}`), 1000 + second));
    expect((await read(records, false, shares())).poison).toEqual([]);
  });

  it('what cannot be held comes again, all of it: nothing was filed', async () => {
    const all = [good('1'), good('2'), good('3')].map((one) => at(one, 1000));
    await expect(read(all, true, shares())).rejects.toThrow('away');
  });

  it('what nobody can read takes more of it: each is a request to the bucket, what is held is one', async () => {
    const flood = Array.from({ length: 100 }, (_, i) => at(bad(`${i}`), 1000));
    const { poison, records } = await read(flood, false, sharing({ burst: 10_000, perSecond: 1 }));
    expect(poison).toHaveLength(11);
    expect(poison.at(-1)!.payload.split('\n')).toHaveLength(90);
    expect(records).toHaveLength(10);
  });
});

it('a record of which its sender is doubted is set aside as it came', async () => {
  const doubt = ({ cluster: { name } }: Sender) => (name === 'test' ? 'it is not signed' : undefined);
  const { poison, records } = await read([good('1')], false, { ...calm, doubt });
  expect(poison).toMatchObject([{ reason: 'it is not signed', payload: good('1').kinesis.data }]);
  expect(records[0]!.observations).toEqual([]);
});

describe('what one invocation reads of a shard', () => {
  const batches = async (...records: KinesisRecord[]) => toStreamBatches((await read(records)).records);

  it('is a batch, its records in order', async () => {
    const [first, second, ...none] = await batches(good('1'), good('1', 1), good('2'), good('2', 1));
    expect(none).toEqual([]);
    expect([first, second].map((batch) => batch!.records.map(({ source }) => source.slice(-3)))).toEqual([
      ['0:1', '0:2'],
      ['1:1', '1:2'],
    ]);
  });

  it('has the same name when it comes again, another where it is another part of the shard', async () => {
    const nameOf = async (...records: KinesisRecord[]) => (await batches(...records))[0]!.name;
    const name = await nameOf(good('1'), good('2'));
    expect(await nameOf(good('1'), good('2'))).toBe(name);
    expect(await nameOf(good('2'))).not.toBe(name);
    expect(await nameOf(good('1', 1), good('2', 1))).not.toBe(name);
  });

  it('of nothing is none', async () => expect(await batches()).toEqual([]));
});
