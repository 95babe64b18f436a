import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GivenUp, type RetrySettings, runBatch } from '../../../infra/local/run-batch.ts';
import { checkProperty } from '../../check-property.ts';

type Handler = (numbers: number[]) => unknown;

const settings: RetrySettings = {
  maximumRetryAttempts: 2,
  maximumRecordAge: Number.POSITIVE_INFINITY,
  bisectBatchOnFunctionError: true,
};

/** Runs the batch 1…size (record n arrived at n ms) and tells what the handler got and what was given up. */
async function run(size: number, changes: Partial<RetrySettings>, handler: Handler, clock = { now: 0 }) {
  const tries: number[][] = [];
  const givenUp: { numbers: number[]; why: GivenUp }[] = [];
  const pauses: number[] = [];
  const records = Array.from({ length: size }, (_, i) => ({ sequenceNumber: `${i + 1}`, arrivedAt: i + 1 }));
  const numbersOf = (some: readonly { sequenceNumber: string }[]) =>
    some.map(({ sequenceNumber }) => Number(sequenceNumber));
  const done = await runBatch(
    records,
    { ...settings, ...changes },
    {
      now: () => clock.now,
      stopped: () => false,
      pause: async (attempt) => void pauses.push(attempt),
      giveUp: async (some, why) => void givenUp.push({ numbers: numbersOf(some), why }),
      async invoke(some) {
        tries.push(numbersOf(some));
        return handler(numbersOf(some));
      },
    },
  );
  return { done, tries, pauses, givenUp, conditions: givenUp.map(({ why }) => why.condition) };
}

const throwsOn =
  (...poison: number[]): Handler =>
  (numbers) => {
    if (numbers.some((n) => poison.includes(n))) throw new Error('poison');
  };

const reports =
  (...poison: number[]): Handler =>
  (numbers) => ({
    batchItemFailures: numbers.filter((n) => poison.includes(n)).map((n) => ({ itemIdentifier: String(n) })),
  });

describe('a batch whose handler throws', () => {
  it('comes again whole, then is given up whole', async () => {
    const { tries, givenUp, pauses, conditions } = await run(
      3,
      { bisectBatchOnFunctionError: false },
      throwsOn(2),
    );
    expect(tries).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ]);
    expect(givenUp.map(({ numbers }) => numbers)).toEqual([[1, 2, 3]]);
    expect(conditions).toEqual(['RetryAttemptsExhausted']);
    expect(pauses).toEqual([1, 2]);
  });

  it('is cut until the poison is alone; cuts take no retries', async () => {
    const { tries, givenUp, pauses } = await run(4, {}, throwsOn(3));
    expect(tries).toEqual([[1, 2, 3, 4], [1, 2], [3, 4], [3], [3], [3], [4]]);
    expect(givenUp.map(({ numbers }) => numbers)).toEqual([[3]]);
    expect(pauses).toEqual([1, 2]);
  });

  it('is not given up where the trouble passes', async () => {
    let failures = 2;
    const { tries, givenUp } = await run(1, {}, () => {
      if (failures-- > 0) throw new Error('passing');
    });
    expect(tries).toEqual([[1], [1], [1]]);
    expect(givenUp).toEqual([]);
  });

  it('with no retries at all has one try for each part', async () => {
    const { tries, givenUp } = await run(2, { maximumRetryAttempts: 0 }, throwsOn(1));
    expect(tries).toEqual([[1, 2], [1], [2]]);
    expect(givenUp.map(({ numbers }) => numbers)).toEqual([[1]]);
  });
});

describe('a handler that names failed items', () => {
  it('gets everything from the lowest of them again, in whatever order it names them', async () => {
    let first = true;
    const { tries, givenUp } = await run(5, { bisectBatchOnFunctionError: false }, () => {
      if (!first) return undefined;
      first = false;
      return { batchItemFailures: [{ itemIdentifier: '4' }, { itemIdentifier: '2' }] };
    });
    expect(tries).toEqual([
      [1, 2, 3, 4, 5],
      [2, 3, 4, 5],
    ]);
    expect(givenUp).toEqual([]);
  });

  it('and bisects: the batch is cut there first, then in halves', async () => {
    const { tries, givenUp } = await run(4, { maximumRetryAttempts: 1 }, reports(2));
    expect(tries).toEqual([[1, 2, 3, 4], [2, 3, 4], [2, 3], [2], [2], [3], [4]]);
    expect(givenUp.map(({ numbers }) => numbers)).toEqual([[2]]);
  });

  it('does not get its retries back for moving forward, and loses the innocent behind without bisecting', async () => {
    const { tries, givenUp } = await run(
      4,
      { bisectBatchOnFunctionError: false, maximumRetryAttempts: 1 },
      reports(2, 3),
    );
    expect(tries).toEqual([
      [1, 2, 3, 4],
      [2, 3, 4],
    ]);
    expect(givenUp.map(({ numbers }) => numbers)).toEqual([[2, 3, 4]]);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['an empty object', {}],
    ['an empty list', { batchItemFailures: [] }],
    ['null for the list', { batchItemFailures: null }],
  ])('%s is a success', async (_, answer) => {
    const { tries, givenUp } = await run(2, {}, () => answer);
    expect(tries).toEqual([[1, 2]]);
    expect(givenUp).toEqual([]);
  });

  it.each([
    ['an unknown item', { batchItemFailures: [{ itemIdentifier: '9' }] }],
    ['an empty name', { batchItemFailures: [{ itemIdentifier: '' }] }],
    ['null for a name', { batchItemFailures: [{ itemIdentifier: null }] }],
    ['another key', { batchItemFailures: [{ sequenceNumber: '1' }] }],
    ['no list', { batchItemFailures: '1' }],
    ['a text', 'failed'],
  ])('%s fails the whole batch', async (_, answer) => {
    const { tries, givenUp } = await run(
      2,
      { maximumRetryAttempts: 1, bisectBatchOnFunctionError: false },
      () => answer,
    );
    expect(tries).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(givenUp.map(({ numbers }) => numbers)).toEqual([[1, 2]]);
  });
});

describe('the age of records', () => {
  it('keeps what is too old from the handler', async () => {
    const { tries, givenUp, conditions } = await run(3, { maximumRecordAge: 100 }, () => undefined, {
      now: 102,
    });
    expect(givenUp.map(({ numbers }) => numbers)).toEqual([[1]]);
    expect(conditions).toEqual(['RecordAgeExceeded']);
    expect(tries).toEqual([[2, 3]]);
  });

  it('ends retries without a limit, and tells the last error', async () => {
    const clock = { now: 0 };
    const { tries, givenUp } = await run(
      1,
      { maximumRecordAge: 100, maximumRetryAttempts: Number.POSITIVE_INFINITY },
      () => {
        clock.now += 40;
        throw new Error('always');
      },
      clock,
    );
    expect(tries).toHaveLength(3);
    expect(givenUp).toEqual([
      { numbers: [1], why: { condition: 'RecordAgeExceeded', error: new Error('always') } },
    ]);
  });
});

describe('whatever the handler does', () => {
  const outcome = fc.oneof(
    { weight: 3, arbitrary: fc.constant('success' as const) },
    { weight: 1, arbitrary: fc.constant('throw' as const) },
    { weight: 1, arbitrary: fc.constant('malformed' as const) },
    { weight: 3, arbitrary: fc.array(fc.nat(20), { minLength: 1, maxLength: 4 }) },
  );

  it('each record is handled or given up exactly once, and in order', () =>
    checkProperty(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 }),
        fc.array(outcome, { minLength: 1, maxLength: 30 }),
        fc.record({ maximumRetryAttempts: fc.nat(3), bisectBatchOnFunctionError: fc.boolean() }),
        async (size, script, changes) => {
          /** What became of each record, in the order in which it became final. */
          const final: number[] = [];
          let step = 0;
          const { done, tries, givenUp } = await run(size, changes, (numbers) => {
            const what = script[step++ % script.length]!;
            if (what === 'throw') throw new Error('scripted');
            if (what === 'malformed') return { batchItemFailures: [{}] };
            if (what === 'success') {
              final.push(...numbers);
              return undefined;
            }
            const failed = what.map((n) => numbers[n % numbers.length]!);
            final.push(...numbers.filter((n) => n < Math.min(...failed)));
            return { batchItemFailures: failed.map((n) => ({ itemIdentifier: String(n) })) };
          });
          expect(done).toBe(true);
          const lost = givenUp.flatMap(({ numbers }) => numbers);
          const all = Array.from({ length: size }, (_, i) => i + 1);
          expect([...final, ...lost].sort((a, b) => a - b)).toEqual(all);
          expect(final).toEqual(final.toSorted((a, b) => a - b));
          expect(lost).toEqual(lost.toSorted((a, b) => a - b));
          for (const records of tries) {
            expect(records).toEqual(Array.from(records, (_, i) => records[0]! + i));
          }
        },
      ),
      300,
    ));

  it('bisecting gives up the poison and nothing else, also where the handler only throws', () =>
    checkProperty(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: 20 }), { maxLength: 6 }),
        fc.nat(2),
        fc.boolean(),
        async (poison, maximumRetryAttempts, partial) => {
          const handler = partial ? reports(...poison) : throwsOn(...poison);
          const { givenUp } = await run(20, { maximumRetryAttempts }, handler);
          expect(givenUp.flatMap(({ numbers }) => numbers)).toEqual(poison.sort((a, b) => a - b));
        },
      ),
      100,
    ));
});
