/** `rootspan replay-set-aside`: everything that was set aside, back into the pipeline of the current AWS account. */
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { forEachOf } from '../../functions/correlator/for-each-of.ts';
import { createKinesisSink } from '../../functions/forwarder/kinesis-sink.ts';
import type { RecordSink } from '../../functions/forwarder/record-sink.ts';
import { UserError } from '../../shared/errors.ts';
import { readSigner, type Sign } from '../../shared/sign-batches.ts';
import { readOptions } from './read-options.ts';
import { type ReplayedQueue, readSetAside } from './read-set-aside.ts';
import type { CommandContext } from './run-command.ts';

type Needed = 'bucket' | 'stream' | 'timers-queue' | 'spans-queue';

/** Region and credentials are the environment's, as in AWS's own command line. */
export async function replaySetAsideCommand(context: CommandContext, args: string[]): Promise<void> {
  const { workingDirectory, write, say, progress } = context;
  const { bucket, stream, signingKey, ...queues } = optionsOf(context, args);
  const [s3, kinesis, sqs] = [new S3Client(), new KinesisClient(), new SQSClient()];
  const ports: ReplayPorts = {
    s3,
    ...(signingKey !== undefined && {
      sign: await readSigner(resolve(workingDirectory, signingKey), '--signing-key'),
    }),
    stream: createKinesisSink(kinesis, { streamName: stream, sleep, random: Math.random }),
    async send(queue, body) {
      await sqs.send(new SendMessageCommand({ QueueUrl: queues[`${queue}-queue`], MessageBody: body }));
    },
    onProgress: (done, of) => progress.show('replaying', `${done} of ${of}`),
  };
  const { replayed, unreadable } = await replaySetAside(ports, bucket).catch((error: unknown) => {
    if (!(error instanceof Error)) throw error;
    // The SDK's one error without a name.
    if (error.message === 'Region is missing')
      throw new UserError('no AWS region; set AWS_REGION to that of the stack');
    // What AWS says no to (a name, a right, missing credentials), or no way to it, is for the user to put right.
    if ('$fault' in error || /ProviderError$/.test(error.name))
      throw new UserError(`${error.name}: ${error.message}`);
    if ('$metadata' in error) throw new UserError(error.message);
    throw error;
  });
  progress.end();
  for (const { key, reason } of unreadable) say(`rootspan: ${key} stays: ${reason}\n`);
  await write(`${replayed} replayed, ${unreadable.length} left\n`);
}

function optionsOf(
  context: CommandContext,
  args: string[],
): Record<Needed, string> & { signingKey: string | undefined } {
  const { values } = readOptions('replay-set-aside', args, context);
  const given = (name: Needed): string => {
    const value = values[name];
    if (value === undefined)
      throw new UserError(`no --${name}; the output ReplaySetAside of the stack has them all`);
    return value;
  };
  return {
    bucket: given('bucket'),
    stream: given('stream'),
    'timers-queue': given('timers-queue'),
    'spans-queue': given('spans-queue'),
    signingKey: values['signing-key'],
  };
}

export interface ReplayPorts {
  s3: S3Client;
  stream: RecordSink;
  /** Where clusters sign: with a key that the stack takes for theirs. */
  sign?: Sign;
  /** Resolves once the message is in the queue. */
  send(queue: ReplayedQueue, body: string): Promise<void>;
  /** Objects that are done, read or not, and how many there are. */
  onProgress?(done: number, of: number): void;
}

export interface ReplayReport {
  replayed: number;
  /** What stays where it is. */
  unreadable: { key: string; reason: string }[];
}

/** What is on its way; left there only by a replay that was cut off, and what the stream refuses. */
const onTheWay = 'replaying/';

/**
 * An object first moves out of the way, and goes once what it holds is safe: when that is set aside again at once it is
 * under the same key, and must not be what is deleted. A replay that is cut off is taken up by the next one.
 */
export async function replaySetAside(ports: ReplayPorts, bucket: string): Promise<ReplayReport> {
  const { s3 } = ports;
  const report: ReplayReport = { replayed: 0, unreadable: [] };

  const load = async (key: string) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return (await Body?.transformToString()) ?? '';
  };
  const remove = (key: string) => s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
  const replay = async (key: string) => {
    const isOnTheWay = key.startsWith(onTheWay);
    const original = isOnTheWay ? key.slice(onTheWay.length) : key;
    const read = readSetAside(original, await load(key), ports.sign);
    if (!read.ok) {
      report.unreadable.push({ key, reason: read.reason });
      return;
    }
    const moved = onTheWay + original;
    if (!isOnTheWay) {
      const CopySource = `${bucket}/${encodeURIComponent(key)}`;
      await s3.send(new CopyObjectCommand({ Bucket: bucket, Key: moved, CopySource }));
      await remove(key);
    }
    const [refused] = await ports.stream.put(read.value.records);
    if (refused !== undefined) {
      report.unreadable.push({ key: moved, reason: `the stream refuses it: ${refused.why}` });
      return;
    }
    for (const { queue, body } of read.value.messages) await ports.send(queue, body);
    await remove(moved);
    report.replayed += 1;
  };

  // All is listed before anything moves: what is set aside in the meantime is for the next replay.
  const keys: string[] = [];
  for (const prefix of [onTheWay, 'set-aside/', 'aws/lambda/']) {
    for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: prefix })) {
      for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key);
    }
  }
  let done = 0;
  ports.onProgress?.(done, keys.length);
  await forEachOf(keys, async (key) => {
    await replay(key);
    ports.onProgress?.(++done, keys.length);
  });
  return report;
}
