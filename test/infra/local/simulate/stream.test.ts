import { describe, expect, it } from 'vitest';
import type { KinesisEvent } from '../../../../functions/correlator/read-records.ts';
import type { Invocation } from '../../../../infra/local/simulate/function.ts';
import { createStream } from '../../../../infra/local/simulate/stream.ts';
import { makeWorld, runOut, secondsOf } from './make-world.ts';

const settings = {
  shards: 1,
  batchSize: 4,
  batchingWindow: 5000,
  maximumRetryAttempts: 1,
  maximumRecordAge: 3_600_000,
  bisectBatchOnFunctionError: true,
};
const done: Invocation = { kind: 'answered', answer: undefined };
const failed: Invocation = { kind: 'failed', error: new Error('it died') };
const textsOf = ({ Records }: KinesisEvent) =>
  Records.map(({ kinesis }) => Buffer.from(kinesis.data, 'base64').toString()).join('');

/** A record for each letter, a letter of `poison` never gets through. */
function start(faults: Parameters<typeof makeWorld>[0], { poison = '', takes = 0 } = {}) {
  const world = makeWorld(faults);
  const stream = createStream(world, settings);
  const seen: string[] = [];
  const givenUp: string[] = [];
  stream.consume(
    async (event) => {
      const texts = textsOf(event);
      seen.push(`${secondsOf(world)} ${texts}`);
      await world.time.sleep(takes);
      return poison !== '' && texts.includes(poison) ? failed : done;
    },
    async (event) => void givenUp.push(textsOf(event)),
  );
  const put = (letters: string) =>
    stream.put([...letters].map((letter) => ({ data: Buffer.from(letter), partitionKey: 'c1' })));
  return { world, put, seen, givenUp };
}

describe('a stream', () => {
  it('is read when the window is over, at once where a batch is full', async () => {
    const { world, put, seen } = start({});
    put('a');
    world.time.after(2000, () => put('b'));
    world.time.after(20_000, () => put('cdefg'));
    await runOut(world);
    expect(seen).toEqual(['5.5 ab', '20 cdef', '25.5 g']);
  });

  it('has one invocation at a time of a shard, in order', async () => {
    const { world, put, seen } = start({}, { takes: 30_000 });
    put('abcd');
    world.time.after(1000, () => put('ef'));
    await runOut(world);
    expect(seen).toEqual(['0 abcd', '30 ef']);
  });

  it('halves what fails until it stands alone, sets that aside and goes on behind it', async () => {
    const { world, put, seen, givenUp } = start({}, { poison: 'c' });
    put('abcd');
    await runOut(world);
    expect(seen.map((line) => line.split(' ')[1])).toEqual(['abcd', 'ab', 'cd', 'c', 'c', 'd']);
    expect(givenUp).toEqual(['c']);
  });

  it('may bring a batch again an hour later', async () => {
    let copies = 1;
    const { world, put, seen } = start({
      copyOfBatch: () => (copies-- > 0 ? { at: 'later', after: 3_600_000 } : undefined),
    });
    put('abcd');
    await runOut(world);
    expect(seen).toEqual(['0 abcd', '3600 abcd']);
  });

  it('may bring a batch twice at once', async () => {
    let copies = 1;
    const { world, put, seen } = start(
      { copyOfBatch: () => (copies-- > 0 ? { at: 'once', after: 10 } : undefined) },
      { takes: 5000 },
    );
    put('abcd');
    await runOut(world);
    expect(seen).toEqual(['0 abcd', '0.01 abcd']);
  });

  it('lags', async () => {
    const until = Date.parse('2026-03-01T12:10:00Z');
    const { world, put, seen } = start({ awayUntil: (what) => (what === 'shard' ? until : undefined) });
    put('abcd');
    await runOut(world);
    expect(seen).toEqual(['600 abcd']);
  });
});
