import { PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { beforeAll, expect, it } from 'vitest';
import { createKinesisSource } from '../../../infra/local/kinesis-source.ts';
import type { ShardRead } from '../../../infra/local/poll-kinesis.ts';
import { useEmulators } from '../../support/use-emulators.ts';

const aws = useEmulators();
beforeAll(async () => {
  const Records = ['a', 'b', 'c', 'd', 'e'].map((text) => ({ Data: Buffer.from(text), PartitionKey: 'k' }));
  await aws.kinesis.send(new PutRecordsCommand({ StreamName: aws.streamName, Records }));
});

const { signal } = new AbortController();
const open = () => createKinesisSource(aws.kinesis, aws.streamName).openShard('shardId-000000000000');
const show = ({ records, next }: ShardRead) =>
  `${records.map(({ data }) => Buffer.from(data).toString()).join('')} ${next}`;

it('a page that its limit cut short is not the tip', async () => {
  const reader = open();
  expect(show(await reader.read(2, signal))).toBe('ab more');
  expect(show(await reader.read(2, signal))).toBe('cd more');
  expect(show(await reader.read(2, signal))).toBe('e tip');
  expect(show(await reader.read(2, signal))).toBe(' tip');
});

it('goes on behind the last record it gave where an answer is lost and the iterator has expired', async () => {
  const reader = open();
  expect(show(await reader.read(2, signal))).toBe('ab more');
  const used: unknown[] = [];
  aws.kinesis.middlewareStack.add(
    (next) => async (args) => {
      const { ShardIterator } = args.input as { ShardIterator?: string };
      if (ShardIterator === undefined) return next(args);
      if (used.includes(ShardIterator)) throw new Error('expired');
      used.push(ShardIterator);
      const answer = await next(args);
      if (used.length === 1) throw new Error('lost');
      return answer;
    },
    { step: 'initialize', name: 'loseAnswer' },
  );
  try {
    await expect(reader.read(2, signal)).rejects.toThrow('lost');
    expect(show(await reader.read(2, signal))).toBe('cd more');
  } finally {
    aws.kinesis.middlewareStack.remove('loseAnswer');
  }
});
