import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type KinesisPollPorts,
  type KinesisPollSettings,
  type KinesisStreamRecord,
  pollKinesis,
} from '../../../infra/local/poll-kinesis.ts';
import { checkProperty } from '../../check-property.ts';
import { createMemoryStream, type MemoryStream } from './memory-stream.ts';
import { createVirtualClock } from './virtual-clock.ts';

const settings: KinesisPollSettings = {
  batchSize: 3,
  batchingWindow: 0,
  pollInterval: 50,
  maximumRetryAttempts: 1,
  maximumRecordAge: Number.POSITIVE_INFINITY,
  bisectBatchOnFunctionError: true,
};

const textOf = ({ kinesis }: KinesisStreamRecord) => Buffer.from(kinesis.data, 'base64').toString();
const shardOf = ({ eventID }: KinesisStreamRecord) => eventID.split(':')[0]!;

/** A poller over a stream in memory, with all that it did. `handle` sees the records' texts. */
function start(
  shardIds: string[],
  {
    handle = () => undefined,
    ports = {},
    prepare,
    ...changes
  }: Partial<KinesisPollSettings> & {
    handle?: (texts: string[]) => unknown;
    ports?: Partial<KinesisPollPorts>;
    prepare?: (stream: MemoryStream) => void;
  } = {},
) {
  const clock = createVirtualClock();
  const stream = createMemoryStream(shardIds, clock.now);
  prepare?.(stream);
  const batches: string[][] = [];
  const givenUp: string[] = [];
  const errors: unknown[] = [];
  const poller = pollKinesis(
    stream,
    { ...settings, ...changes },
    {
      clock,
      handle: async ({ Records }) => {
        batches.push(Records.map(textOf));
        return handle(Records.map(textOf));
      },
      onFailure: async (records) => void givenUp.push(...records.map(textOf)),
      onError: (error) => errors.push(error),
      ...ports,
    },
  );
  return { clock, stream, batches, givenUp, errors, poller };
}

const putAll = (shardId: string, texts: string[]) => (stream: MemoryStream) => {
  for (const text of texts) stream.put(shardId, text);
};

describe('a shard', () => {
  it('is read from its oldest record, in batches', async () => {
    const { poller, batches } = start(['s0'], { prepare: putAll('s0', ['a', 'b', 'c', 'd']) });
    await poller.drained();
    await poller.stop();
    expect(batches).toEqual([['a', 'b', 'c'], ['d']]);
  });

  it('comes to the handler as AWS writes it', async () => {
    let seen: KinesisStreamRecord[] = [];
    const { poller, clock } = start(['shardId-000000000000'], {
      prepare: putAll('shardId-000000000000', ['a']),
      ports: {
        handle: async ({ Records }) => {
          seen = Records;
        },
      },
    });
    const put = clock.now();
    await poller.drained();
    await poller.stop();
    expect(seen).toEqual([
      {
        eventID: 'shardId-000000000000:99999999999999999995',
        eventName: 'aws:kinesis:record',
        eventSource: 'aws:kinesis',
        eventSourceARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/memory',
        eventVersion: '1.0',
        invokeIdentityArn: 'arn:aws:iam::000000000000:role/local',
        awsRegion: 'us-east-1',
        kinesis: {
          kinesisSchemaVersion: '1.0',
          partitionKey: 'a',
          sequenceNumber: '99999999999999999995',
          data: 'YQ==',
          approximateArrivalTimestamp: put / 1000,
        },
      },
    ]);
  });

  it('goes on behind poison, which is given up alone', async () => {
    const { poller, batches, givenUp } = start(['s0'], {
      prepare: putAll('s0', ['a', 'poison', 'c', 'd']),
      handle: (texts) => {
        if (texts.includes('poison')) throw new Error('no');
      },
    });
    await poller.drained();
    await poller.stop();
    expect(givenUp).toEqual(['poison']);
    expect(batches.at(-1)).toEqual(['d']);
  });

  it('with a batching window waits for a batch to fill, and not for longer', async () => {
    const { poller, batches, clock, stream } = start(['s0'], {
      batchingWindow: 1_000,
      prepare: putAll('s0', ['a']),
    });
    const began = clock.now();
    const never = new AbortController().signal;
    await clock.sleep(500, never);
    stream.put('s0', 'b');
    expect(batches).toEqual([]);
    await poller.drained();
    expect(batches).toEqual([['a', 'b']]);
    expect(clock.now() - began).toBeGreaterThanOrEqual(1_000);

    for (const text of ['c', 'd', 'e']) stream.put('s0', text);
    const filled = clock.now();
    await poller.drained();
    expect(batches.at(-1)).toEqual(['c', 'd', 'e']);
    expect(clock.now() - filled).toBeLessThan(1_000);
    await poller.stop();
  });

  it('sends no more than an event can carry', async () => {
    const large = 'x'.repeat(2_000_000);
    const { poller, batches } = start(['s0'], { prepare: putAll('s0', [large, large, large, 'end']) });
    await poller.drained();
    await poller.stop();
    expect(batches.map((batch) => batch.length)).toEqual([2, 2]);
  });

  it('holds until what it gives up is kept', async () => {
    let refusals = 2;
    const kept: string[] = [];
    const { poller, errors, batches } = start(['s0'], {
      prepare: putAll('s0', ['poison', 'b']),
      batchSize: 1,
      handle: ([text]) => {
        if (text === 'poison') throw new Error('no');
      },
      ports: {
        async onFailure(records) {
          if (refusals-- > 0) throw new Error('the bucket is away');
          kept.push(...records.map(textOf), ...batches.flat().filter((text) => text === 'b'));
        },
      },
    });
    await poller.drained();
    await poller.stop();
    expect(kept).toEqual(['poison']);
    expect(errors).toHaveLength(2);
    expect(kept).toEqual(['poison']);
    expect(batches.at(-1)).toEqual(['b']);
  });
});

describe('a source in trouble', () => {
  it('is asked again with growing pauses, and loses nothing', async () => {
    let troubles = 8;
    const { poller, batches, errors, clock } = start(['s0'], {
      prepare(stream) {
        putAll('s0', ['a', 'b', 'c', 'd'])(stream);
        stream.trouble = () => (troubles-- > 0 ? new Error('network') : undefined);
      },
    });
    await poller.drained();
    await poller.stop();
    expect(batches.flat()).toEqual(['a', 'b', 'c', 'd']);
    expect(errors).toHaveLength(8);
    expect(clock.sleeps.slice(0, 4)).toEqual([100, 200, 400, 800]);
  });
});

describe('resharding', () => {
  it('reads children only once their parents are handled to the end', async () => {
    const { poller, batches } = start(['p0', 'p1'], {
      batchSize: 1,
      prepare(stream) {
        putAll('p0', ['p0-1', 'p0-2', 'p0-3'])(stream);
        putAll('p1', ['p1-1'])(stream);
        stream.reshard(['p0', 'p1'], ['merged']);
        putAll('merged', ['merged-1'])(stream);
        stream.reshard(['merged'], ['left', 'right']);
        putAll('left', ['left-1'])(stream);
        putAll('right', ['right-1'])(stream);
      },
    });
    await poller.drained();
    await poller.stop();
    const order = batches.flat();
    expect(order.toSorted()).toEqual(
      ['p0-1', 'p0-2', 'p0-3', 'p1-1', 'merged-1', 'left-1', 'right-1'].toSorted(),
    );
    for (const parent of ['p0-3', 'p1-1']) {
      expect(order.indexOf('merged-1')).toBeGreaterThan(order.indexOf(parent));
    }
    expect(order.indexOf('left-1')).toBeGreaterThan(order.indexOf('merged-1'));
    expect(order.indexOf('right-1')).toBeGreaterThan(order.indexOf('merged-1'));
  });

  it('is noticed while the poller runs, with nobody waiting', async () => {
    let arrived = () => {};
    const child = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const { poller, stream } = start(['p'], {
      handle: ([text]) => {
        if (text === 'child') arrived();
      },
    });
    await poller.drained();
    stream.reshard(['p'], ['c']);
    stream.put('c', 'child');
    await child;
    await poller.stop();
  });
});

describe('drained and stop', () => {
  it('drained covers what a handler puts into another shard', async () => {
    const { poller, stream, batches } = start(['s0', 's1'], {
      prepare: putAll('s1', ['first']),
      handle: ([text]) => {
        if (text === 'first') stream.put('s0', 'second');
      },
    });
    await poller.drained();
    expect(batches).toEqual([['first'], ['second']]);
    await poller.stop();
  });

  it('drained covers the children of a shard that ends meanwhile, also where they are listed late', async () => {
    const { poller, stream, batches } = start(['p']);
    await poller.drained();
    let troubles = 3;
    stream.trouble = (call) => (call === 'list' && troubles-- > 0 ? new Error('network') : undefined);
    stream.reshard(['p'], ['c']);
    stream.put('c', 'child');
    await poller.drained();
    expect(batches).toEqual([['child']]);
    await poller.stop();
  });

  it('stop waits for the running handler, starts nothing more, and tells who waited', async () => {
    let begun = () => {};
    const running = new Promise<void>((resolve) => {
      begun = resolve;
    });
    let finish = () => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { poller, batches, stream } = start(['s0'], {
      batchSize: 1,
      prepare: putAll('s0', ['a', 'b']),
      handle: async () => {
        begun();
        await held;
        throw new Error('and no retry');
      },
    });
    const drained = poller.drained();
    drained.catch(() => undefined);
    await running;
    let stopped = false;
    const stopping = poller.stop().then(() => {
      stopped = true;
    });
    await new Promise(setImmediate);
    expect(stopped).toBe(false);
    finish();
    await stopping;
    await poller.stop();
    await expect(drained).rejects.toThrow('stopped');
    await expect(poller.drained()).rejects.toThrow('stopped');
    expect(batches).toEqual([['a']]);
    const { reads } = stream;
    await new Promise(setImmediate);
    expect(stream.reads).toBe(reads);
  });
});

describe('whatever the stream and the handler do', () => {
  const scenario = fc.record({
    shards: fc.integer({ min: 1, max: 3 }),
    /** Which shard (by its place among the open ones) each record goes to; -1: split, -2: merge two. */
    puts: fc.array(fc.integer({ min: -2, max: 5 }), { maxLength: 40 }),
    /** Puts that happen before the poller starts. */
    before: fc.nat(40),
    poison: fc.uniqueArray(fc.nat(39), { maxLength: 5 }),
    mood: fc.array(fc.constantFrom('fine', 'fine', 'throw', 'partial', 'malformed'), {
      minLength: 1,
      maxLength: 10,
    }),
    troubles: fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }).filter((all) => all.includes(false)),
    batchSize: fc.integer({ min: 1, max: 7 }),
    batchingWindow: fc.constantFrom(0, 120),
    maximumRetryAttempts: fc.nat(2),
    bisectBatchOnFunctionError: fc.boolean(),
    refuseToKeep: fc.boolean(),
  });

  it('every record is handled or given up, once for good, each shard in order, children behind parents', () =>
    checkProperty(
      fc.asyncProperty(scenario, async (s) => {
        const shardIds = Array.from({ length: s.shards }, (_, i) => `s${i}`);
        const parentsOf = new Map<string, string[]>();
        const put: { shard: string; text: string }[] = [];
        /** Final fate by shard, in the order in which it became final. */
        const fates = new Map<string, number[]>();
        const finish = (shard: string, texts: string[]) => {
          const list = fates.get(shard) ?? [];
          fates.set(shard, [...list, ...texts.map(Number)]);
        };
        let moods = 0;
        /** By call: one count for all could fall into step with the poller, and fail the same call for ever. */
        const calls = new Map<string, number>();
        let keeps = 0;
        const inFlight = new Set<string>();
        /** Kept for the end: what is thrown in a handler would be one more of its failures. */
        const broken: string[] = [];
        const check = (promise: string, kept: boolean) => {
          if (!kept) broken.push(promise);
        };
        const apply = (stream: MemoryStream, what: number) => {
          if (what === -1) {
            const parent = shardIds.shift()!;
            const children = [`${parent}a`, `${parent}b`];
            for (const child of children) parentsOf.set(child, [parent]);
            stream.reshard([parent], children);
            shardIds.push(...children);
          } else if (what === -2) {
            if (shardIds.length < 2) return;
            const parents = shardIds.splice(0, 2);
            parentsOf.set(parents.join('+'), parents);
            stream.reshard(parents, [parents.join('+')]);
            shardIds.push(parents.join('+'));
          } else {
            const shard = shardIds[what % shardIds.length]!;
            const text = String(put.length);
            put.push({ shard, text });
            stream.put(shard, text);
          }
        };
        const { poller, stream, clock } = start([...shardIds], {
          ...s,
          prepare(memory) {
            memory.trouble = (call) => {
              const count = calls.get(call) ?? 0;
              calls.set(call, count + 1);
              return s.troubles[count % s.troubles.length] ? new Error('network') : undefined;
            };
            for (const what of s.puts.slice(0, s.before)) apply(memory, what);
          },
          ports: {
            async handle({ Records }) {
              const shard = shardOf(Records[0]!);
              check('one batch of a shard at a time', !inFlight.has(shard));
              check('one shard in a batch', new Set(Records.map(shardOf)).size === 1);
              check('batchSize', Records.length <= s.batchSize);
              // All of the parents' records have their fate before the first of a child's is tried.
              for (const parent of parentsOf.get(shard) ?? []) {
                const own = put.filter((record) => record.shard === parent);
                check('children after parents', fates.get(parent)?.length === own.length || own.length === 0);
              }
              inFlight.add(shard);
              await new Promise(setImmediate);
              inFlight.delete(shard);
              const texts = Records.map(textOf);
              const firstBad = texts.findIndex((text) => s.poison.includes(Number(text)));
              const mood = s.mood[moods++ % s.mood.length];
              if (mood === 'throw') throw new Error('mood');
              if (mood === 'malformed') return { batchItemFailures: [{ itemIdentifier: 'x' }] };
              const from = firstBad >= 0 ? firstBad : mood === 'partial' ? texts.length - 1 : texts.length;
              finish(shard, texts.slice(0, from));
              return {
                batchItemFailures: Records.slice(from).map(({ kinesis }) => ({
                  itemIdentifier: kinesis.sequenceNumber,
                })),
              };
            },
            async onFailure(records, why) {
              if (s.refuseToKeep && keeps++ % 2 === 0) throw new Error('not now');
              check(
                'one shard in what is given up',
                records.every((record) => shardOf(record) === why.shardId),
              );
              finish(why.shardId, records.map(textOf));
            },
          },
        });
        const never = new AbortController().signal;
        for (const what of s.puts.slice(s.before)) {
          apply(stream, what);
          await clock.sleep(20, never);
        }
        await poller.drained();
        await poller.stop();
        expect(broken).toEqual([]);
        const expected = new Map<string, number[]>();
        for (const { shard, text } of put)
          expected.set(shard, [...(expected.get(shard) ?? []), Number(text)]);
        for (const [shard, list] of fates) if (list.length === 0) fates.delete(shard);
        expect(new Map([...fates].sort())).toEqual(new Map([...expected].sort()));
      }),
      150,
    ));
});
