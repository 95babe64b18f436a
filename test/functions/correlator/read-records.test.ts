import { describe, expect, it } from 'vitest';
import {
  type KinesisEvent,
  readRecords,
  toStreamBatches,
} from '../../../functions/correlator/read-records.ts';
import { encodeBatches } from '../../../shared/batch-codec.ts';
import type { Poison } from '../../../shared/set-aside.ts';
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

async function read(Records: KinesisRecord[], isAway = false) {
  const { ports, remarks } = startContext();
  const poison: Poison[] = [];
  const keep = async (one: Poison) => {
    if (isAway) throw new Error('away');
    poison.push(one);
  };
  return { ...(await readRecords({ Records }, { ...ports, setAside: { keep } }, day)), poison, remarks };
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
