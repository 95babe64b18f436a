import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createEmitter,
  type EmitLimits,
  type EmitPorts,
  type EmitResult,
  narrowingRequests,
  type QueueMessage,
} from '../../../functions/emitter/emit.ts';
import type { ExportOutcome } from '../../../functions/emitter/export-spans.ts';
import { otlpPacking } from '../../../functions/emitter/pack-requests.ts';
import type { Span } from '../../../shared/span.ts';
import { decodeSpanBatch, encodeSpanBatches } from '../../../shared/span-batch-codec.ts';
import { checkProperty } from '../../check-property.ts';
import { hexId, makeSpan } from '../../spans.ts';

const ROOMY: EmitLimits = { ...otlpPacking, narrowingRequests };

const emit = (
  messages: QueueMessage[],
  ports: EmitPorts,
  limits: EmitLimits = ROOMY,
  deadline = Number.POSITIVE_INFINITY,
) => createEmitter(ports, limits)(messages, deadline);

const span = (name: string): Span => makeSpan({ name: 'Pod.Pulling', object: name, id: hexId(name, 16) });
const nameOf = ({ attributes }: Span) => String(attributes['k8s.object.name']);

/** `message('m1', 'a', 'b')`: a message with the spans a and b. */
const message = (messageId: string, ...names: string[]): QueueMessage => ({
  messageId,
  body: encodeSpanBatches(names.map(span))[0] ?? '{"version":1,"spans":[]}',
});

/** A backend that answers by the names of the spans and of how many requests came before; and a place to set aside. */
function scripted(answers: (names: string[], nth: number) => ExportOutcome, keep?: () => Promise<void>) {
  const requests: string[][] = [];
  const delivered: string[] = [];
  const kept: { reason: string; payload: string }[] = [];
  const ports: EmitPorts = {
    async exportSpans(spans) {
      const names = spans.map(nameOf);
      const outcome = answers(names, requests.length);
      requests.push(names);
      if (outcome.kind === 'accepted') delivered.push(...names);
      return outcome;
    },
    setAside: {
      async keep(item) {
        await keep?.();
        kept.push(item);
      },
    },
    now: () => 0,
  };
  const keptNames = () =>
    kept.flatMap(({ payload }) => {
      const batch = decodeSpanBatch(payload);
      return batch.ok ? batch.value.spans.map(nameOf) : [];
    });
  return { ports, requests, delivered, kept, keptNames };
}

const accepted: ExportOutcome = { kind: 'accepted' };
const refused: ExportOutcome = { kind: 'refused', status: 400, message: 'bad span' };
const down: ExportOutcome = {
  kind: 'unavailable',
  status: 503,
  retryAfterMs: 7000,
  message: 'the backend answered 503',
};

const failedIn = ({ batchItemFailures }: EmitResult) =>
  batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);

/** Messages of some spans each, which of the spans the backend refuses, and after how many requests it goes down. */
const stories = fc.record({
  sizes: fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 8 }),
  bad: fc.func(fc.boolean()),
  requestSpans: fc.integer({ min: 1, max: 40 }),
  downAfter: fc.option(fc.nat({ max: 30 }), { nil: Number.POSITIVE_INFINITY }),
});

type Story = typeof stories extends fc.Arbitrary<infer T> ? T : never;

/** A story's messages, ready for the queue, and its backend. */
function stage({ sizes, bad, downAfter }: Story) {
  const messages = sizes.map((size, m) => ({
    messageId: `m${m}`,
    names: Array.from({ length: size }, (_, i) => `${m}-${i}`),
  }));
  const all = messages.flatMap(({ names }) => names);
  const isBad = new Set(all.filter((name) => bad(name)));
  const backend = scripted((names, nth) =>
    nth >= downAfter ? down : names.some((name) => isBad.has(name)) ? refused : accepted,
  );
  const queue = messages.map(({ messageId, names }) => message(messageId, ...names));
  return { messages, all, isBad, backend, queue };
}

test('the spans of all messages go in one request', async () => {
  const backend = scripted(() => accepted);
  const result = await emit([message('m1', 'a', 'b'), message('m2', 'c')], backend.ports);
  expect(backend.requests).toEqual([['a', 'b', 'c']]);
  expect(result).toEqual({
    batchItemFailures: [],
    exported: 3,
    rejected: 0,
    refused: 0,
    kept: 0,
    requests: 1,
    remarks: [],
  });
});

test('nothing to send, no request', async () => {
  const backend = scripted(() => accepted);
  expect(failedIn(await emit([message('m1')], backend.ports))).toEqual([]);
  expect(failedIn(await emit([], backend.ports))).toEqual([]);
  expect(backend.requests).toEqual([]);
});

test('a request has so many spans and no more', async () => {
  const backend = scripted(() => accepted);
  await emit([message('m1', 'a', 'b'), message('m2', 'c', 'd', 'e')], backend.ports, {
    ...ROOMY,
    requestSpans: 2,
  });
  expect(backend.requests).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
});

test('a request has so many bytes and no more; a span larger than that goes alone', async () => {
  const backend = scripted(() => accepted);
  const [small, large] = [span('small'), { ...span('large'), name: 'x'.repeat(5000) }];
  const body = encodeSpanBatches([small, small, large, small])[0]!;
  await emit([{ messageId: 'm1', body }], backend.ports, { ...ROOMY, requestBytes: 4000 });
  expect(backend.requests).toEqual([['small', 'small'], ['large'], ['small']]);
});

test('a message that cannot be read is set aside with its body and fails nothing', async () => {
  const backend = scripted(() => accepted);
  const result = await emit([{ messageId: 'm1', body: '{"version":9}' }, message('m2', 'a')], backend.ports);
  expect(backend.kept).toEqual([
    { reason: 'the message version should be (1 | 2), is number', payload: '{"version":9}', source: 'm1' },
  ]);
  expect(failedIn(result)).toEqual([]);
  expect(backend.delivered).toEqual(['a']);
  expect(result.remarks).toEqual([
    { kind: 'unreadable-message', messageId: 'm1', reason: 'version should be (1 | 2), is number' },
  ]);
});

test('a refused span is found (first its message, then the span), set aside, and costs its neighbours nothing', async () => {
  const backend = scripted((names) => (names.includes('bad') ? refused : accepted));
  const result = await emit([message('m1', 'a', 'b', 'bad'), message('m2', 'c')], backend.ports);
  expect(backend.requests).toEqual([['a', 'b', 'bad', 'c'], ['a', 'b', 'bad'], ['a', 'b'], ['bad'], ['c']]);
  expect(backend.kept).toEqual([
    {
      reason: 'the backend refused it (400): bad span',
      payload: JSON.stringify({ version: 1, spans: [span('bad')] }),
      source: 'm1',
    },
  ]);
  expect(failedIn(result)).toEqual([]);
  expect(result).toMatchObject({
    requests: 5,
    exported: 3,
    rejected: 0,
    refused: 1,
    kept: 0,
  });
});

test('a request that is too large goes in halves', async () => {
  const backend = scripted((names) =>
    names.length > 2 ? { kind: 'refused', status: 413, message: '' } : accepted,
  );
  await emit([message('m1', 'a', 'b', 'c', 'd')], backend.ports);
  expect(backend.delivered).toEqual(['a', 'b', 'c', 'd']);
  expect(backend.kept).toEqual([]);
});

describe('more refusals than an invocation has requests for', () => {
  const hasBad = (names: string[]) => names.some((name) => name.startsWith('bad'));
  const bad = (...numbers: number[]) => numbers.map((number) => `bad-${number}`);

  test('messages that are decided are done, the others come again', async () => {
    const backend = scripted((names) => (hasBad(names) ? refused : accepted));
    const messages = [message('m1', 'a', 'bad-1'), message('m2', 'bad-2', 'b', 'c', 'bad-3')];
    const result = await emit(messages, backend.ports, { ...ROOMY, requestSpans: 3, narrowingRequests: 4 });
    expect(failedIn(result)).toEqual(['m2']);
    expect(backend.keptNames()).toEqual(['bad-1', 'bad-2']);
    expect(backend.delivered).toEqual(['a']);
    expect(result).toMatchObject({ exported: 1, refused: 2, kept: 3 });
    expect(result.remarks).toContainEqual({ kind: 'undecided', spans: 3 });
  });

  test('one request that has too many leaves the next ones their chance', async () => {
    const backend = scripted((names) => (hasBad(names) ? refused : accepted));
    const messages = [message('m1', ...bad(1, 2, 3, 4)), message('m2', 'a', 'b', 'c', 'd')];
    const result = await emit(messages, backend.ports, { ...ROOMY, requestSpans: 4, narrowingRequests: 2 });
    expect(backend.delivered).toEqual(['a', 'b', 'c', 'd']);
    expect(failedIn(result)).toEqual(['m1']);
  });

  test('where no message can be decided, its undecided spans are set aside whole: it would come for ever', async () => {
    const backend = scripted(() => refused);
    const names = Array.from({ length: 100 }, (_, i) => `span-${i}`);
    const result = await emit([message('m1', ...names)], backend.ports, { ...ROOMY, narrowingRequests: 10 });
    expect(result.requests).toBe(11);
    expect(failedIn(result)).toEqual([]);
    expect(backend.keptNames().sort()).toEqual(names.sort());
    expect(result).toMatchObject({ exported: 0, rejected: 0, refused: 100, kept: 0 });
  });

  test('however many: the queue runs dry, nothing is lost, and what is good reaches the backend', async () => {
    await checkProperty(
      fc.asyncProperty(stories, fc.integer({ min: 40, max: 80 }), async (story, narrowingRequests) => {
        const { messages, all, isBad, backend, queue } = stage({
          ...story,
          downAfter: Number.POSITIVE_INFINITY,
        });
        const limits = { ...ROOMY, requestSpans: story.requestSpans, narrowingRequests };
        let waiting = queue;
        for (let round = 0; waiting.length > 0; round++) {
          expect(round).toBeLessThanOrEqual(messages.length);
          const failed = new Set(failedIn(await emit(waiting, backend.ports, limits)));
          waiting = waiting.filter(({ messageId }) => failed.has(messageId));
        }
        // Twice is allowed, for the parts of a message that was decided in part.
        expect(new Set(backend.keptNames())).toEqual(isBad);
        expect(new Set(backend.delivered)).toEqual(new Set(all.filter((name) => !isBad.has(name))));
      }),
    );
  });
});

test('a partial success is final: counted, told, not sent again', async () => {
  const backend = scripted(() => ({ kind: 'partly-accepted', rejectedSpans: 2, message: 'too old' }));
  const result = await emit([message('m1', 'a', 'b', 'c')], backend.ports);
  expect(result).toEqual({
    batchItemFailures: [],
    exported: 1,
    rejected: 2,
    refused: 0,
    kept: 0,
    requests: 1,
    remarks: [{ kind: 'partly-accepted', spans: 3, rejectedSpans: 2, message: 'too old' }],
  });
  expect(backend.kept).toEqual([]);
});

describe('the backend is unavailable', () => {
  test('the queue keeps the messages; nothing more is sent', async () => {
    const backend = scripted(() => down);
    const result = await emit([message('m1', 'a', 'b'), message('m2', 'c')], backend.ports, {
      ...ROOMY,
      requestSpans: 1,
    });
    expect(backend.requests).toEqual([['a']]);
    expect(failedIn(result)).toEqual(['m1', 'm2']);
    expect(result).toMatchObject({
      exported: 0,
      kept: 3,
      retryAfterMs: 7000,
      remarks: [{ kind: 'unavailable', message: 'the backend answered 503' }],
    });
  });

  test('messages that were delivered before are done', async () => {
    const backend = scripted((_, nth) => (nth === 0 ? accepted : down));
    const result = await emit([message('m1', 'a', 'b'), message('m2', 'c')], backend.ports, {
      ...ROOMY,
      requestSpans: 2,
    });
    expect(failedIn(result)).toEqual(['m2']);
  });

  test('a message that is half delivered comes again', async () => {
    const backend = scripted((_, nth) => (nth === 0 ? accepted : down));
    const result = await emit([message('m1', 'a', 'b', 'c')], backend.ports, { ...ROOMY, requestSpans: 2 });
    expect(failedIn(result)).toEqual(['m1']);
    expect(result).toMatchObject({ exported: 2, rejected: 0, refused: 0, kept: 1 });
  });

  test('what was undecided until then stays in the queue as well', async () => {
    const backend = scripted((_, nth) => (nth === 0 ? refused : down));
    const messages = [message('m1', 'bad-1', 'bad-2'), message('m2', 'a')];
    const result = await emit(messages, backend.ports, { ...ROOMY, requestSpans: 2, narrowingRequests: 0 });
    expect(failedIn(result)).toEqual(['m1', 'm2']);
    expect(backend.kept).toEqual([]);
    expect(result).toMatchObject({ exported: 0, refused: 0, kept: 3 });
  });
});

describe('the place for what is set aside is unavailable', () => {
  const away = () => Promise.reject(new Error('S3 is away'));

  test('the message that cannot be read stays in the queue, the others go through', async () => {
    const backend = scripted(() => accepted, away);
    const result = await emit([{ messageId: 'm1', body: 'x' }, message('m2', 'a')], backend.ports);
    expect(failedIn(result)).toEqual(['m1']);
    expect(backend.delivered).toEqual(['a']);
  });

  test('the message of a refused span stays in the queue, the others are done', async () => {
    const backend = scripted((names) => (names.includes('bad') ? refused : accepted), away);
    const result = await emit([message('m1', 'a', 'bad'), message('m2', 'b')], backend.ports);
    expect(failedIn(result)).toEqual(['m1']);
    expect(result).toMatchObject({ exported: 2, rejected: 0, refused: 0, kept: 1 });
    expect(result.remarks).toEqual([{ kind: 'not-set-aside', error: 'Error: S3 is away' }]);
  });
});

describe('the time of the invocation is up', () => {
  /** A clock that a second passes on with each request. */
  const seconds = (backend: ReturnType<typeof scripted>) => ({
    ...backend.ports,
    now: () => backend.requests.length * 1000,
  });

  test('what was not begun waits, what was sent is done', async () => {
    const backend = scripted(() => accepted);
    const messages = [message('m1', 'a', 'b'), message('m2', 'c'), message('m3', 'd')];
    const result = await emit(messages, seconds(backend), { ...ROOMY, requestSpans: 1 }, 2000);
    expect(backend.delivered).toEqual(['a', 'b']);
    expect(failedIn(result)).toEqual(['m2', 'm3']);
    expect(result.remarks).toEqual([{ kind: 'out-of-time', spans: 2 }]);
  });

  test('nothing is forgotten where the clock is set back and the backend goes away then', async () => {
    const backend = scripted((_, nth) => (nth === 0 ? accepted : down));
    const times = [0, 2000, 0];
    const ports = { ...backend.ports, now: () => times.shift() ?? 0 };
    const messages = [message('m1', 'a'), message('m2', 'b'), message('m3', 'c')];
    const result = await emit(messages, ports, { ...ROOMY, requestSpans: 1 }, 1000);
    expect(backend.requests).toEqual([['a'], ['c']]);
    expect(failedIn(result)).toEqual(['m2', 'm3']);
  });

  test('one request is made in any case: else nothing would ever go', async () => {
    const backend = scripted(() => accepted);
    const result = await emit([message('m1', 'a'), message('m2', 'b')], seconds(backend), ROOMY, 0);
    expect(backend.delivered).toEqual(['a', 'b']);
    expect(failedIn(result)).toEqual([]);
  });

  test('a search for refused spans that is cut short goes on, as long as another message was done', async () => {
    const backend = scripted((names) => (names.some((name) => name.startsWith('bad')) ? refused : accepted));
    const messages = [message('m1', 'a', 'b'), message('m2', 'bad-1', 'c')];
    const result = await emit(messages, seconds(backend), ROOMY, 2000);
    expect(backend.delivered).toEqual(['a', 'b']);
    expect(failedIn(result)).toEqual(['m2']);
    expect(result.remarks).toEqual([{ kind: 'undecided', spans: 2 }]);
  });
});

test('a span beyond the limits of the backend is set aside without asking it, by message', async () => {
  const backend = scripted(() => accepted);
  const large = (name: string) => ({ ...span(name), name: 'x'.repeat(5000) });
  const messages = [[span('a'), large('b'), large('c')], [large('d')]].map((some, i) => ({
    messageId: `m${i}`,
    body: encodeSpanBatches(some)[0]!,
  }));
  const result = await emit(messages, backend.ports, { ...ROOMY, spanBytes: 4000 });
  expect(backend.requests).toEqual([['a']]);
  expect(failedIn(result)).toEqual([]);
  const reason = "beyond the backend's limits: it is larger than 4000 bytes";
  expect(backend.kept).toEqual([
    { reason, source: 'm0', payload: JSON.stringify({ version: 1, spans: [large('b'), large('c')] }) },
    { reason, source: 'm1', payload: JSON.stringify({ version: 1, spans: [large('d')] }) },
  ]);
});

test('whatever spans are refused: exactly they are set aside, all others are delivered once, no message fails', async () => {
  await checkProperty(
    fc.asyncProperty(stories, async (story) => {
      const { all, isBad, backend, queue } = stage({ ...story, downAfter: Number.POSITIVE_INFINITY });
      const result = await emit(queue, backend.ports, { ...ROOMY, requestSpans: story.requestSpans });
      expect(failedIn(result)).toEqual([]);
      expect(backend.keptNames().sort()).toEqual([...isBad].sort());
      expect(backend.delivered.sort()).toEqual(all.filter((name) => !isBad.has(name)).sort());
    }),
  );
});

test('whenever the backend goes down: a message fails if, and only if, a span of it is in neither place', async () => {
  await checkProperty(
    fc.asyncProperty(stories, async (story) => {
      const { messages, all, isBad, backend, queue } = stage(story);
      const outcome = await emit(queue, backend.ports, { ...ROOMY, requestSpans: story.requestSpans });
      const setAside = new Set(backend.keptNames());
      const settled = new Set([...backend.delivered, ...setAside]);
      const unsettled = messages.filter(({ names }) => names.some((name) => !settled.has(name)));
      expect(failedIn(outcome).sort()).toEqual(unsettled.map(({ messageId }) => messageId).sort());
      expect([...setAside].filter((name) => !isBad.has(name))).toEqual([]);
      expect(outcome.exported + outcome.refused + outcome.kept).toBe(all.length);
      expect(outcome.requests).toBe(backend.requests.length);
      if (unsettled.length > 0) expect(backend.requests.length).toBe(Number(story.downAfter) + 1);
    }),
  );
});
