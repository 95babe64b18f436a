/** An upgrade in flight: what the version before stored, sent and left under way is taken up, and never contradicted. */
import { describe, expect, it } from 'vitest';
import { readSetAside } from '../../../infra/local/read-set-aside.ts';
import type { Span } from '../../../shared/span.ts';
import { astrayIn } from './broken-traces.ts';
import { received, wholeStory } from './pipeline.ts';
import { goOn, readFixture, readState, spansIn } from './stored-state.ts';

/** Attributes may differ from version to version. */
const placeOf = ({ spanId, traceId, parentSpanId, startTimeUnixNano }: Span) => ({
  spanId,
  traceId,
  parentSpanId,
  startTimeUnixNano,
});
const timed = (span: Span) => ({ ...placeOf(span), endTimeUnixNano: span.endTimeUnixNano });
const byId = (spans: readonly Span[]) => new Map(spans.map((span) => [span.spanId, span]));

describe.each([
  'rollout-halfway',
  'waits-for-its-owner',
  'drain-of-four-roots',
  'crash-loop',
  'cut-and-not-sent',
])('what the version before left: %s', (name) => {
  const state = readState(`version-before/${name}`);

  it('is told to its end: each span of the whole story, in its trace and under its parent', async () => {
    const told = byId([...state.sent, ...received(await goOn(state))]);
    const missing = wholeStory(state.observations).filter(({ spanId }) => !told.has(spanId));
    expect(missing.map((span) => span.name)).toEqual([]);
    const whole = wholeStory(state.observations);
    expect(whole.map(({ spanId }) => placeOf(told.get(spanId)!))).toEqual(whole.map(placeOf));
  });

  it('is not contradicted: what was sent is sent as it was or not again, and parents are in the trace of their children', async () => {
    const after = received(await goOn(state));
    const before = byId(state.sent);
    for (const span of after) {
      const sent = before.get(span.spanId);
      if (sent !== undefined) expect(timed(span)).toEqual(timed(sent));
    }
    const told = byId([...after, ...state.sent]);
    expect(astrayIn([...told.values()])).toEqual([]);
  });

  it('is not told again: what was in the queue before is not sent once more, what was not is sent once', async () => {
    const pipeline = await goOn(state);
    const before = byId(state.sent);
    expect(pipeline.sends.flat().filter(({ spanId }) => before.has(spanId))).toEqual([]);
    expect(pipeline.sends.flat()).toHaveLength(received(pipeline).length);
    expect(pipeline.poison).toEqual([]);
  });
});

it('what was cut and not sent is sent by the timer that comes again, as it was cut', async () => {
  const state = readState('version-before/cut-and-not-sent');
  expect(state.sent).toEqual([]);
  const pipeline = await goOn({ ...state, later: [] });
  expect(received(pipeline).length).toBeGreaterThan(3);
});

it('what the version before set aside goes back into the pipeline', () => {
  const objects = readFixture('version-before/set-aside') as { key: string; body: string }[];
  const replayed = objects.map(({ key, body }) => {
    const read = readSetAside(key, body);
    if (!read.ok) return { key, reason: read.reason };
    const { records, messages } = read.value;
    return { queues: messages.map(({ queue }) => queue), records: records.length };
  });
  expect(replayed).toEqual([
    { queues: [], records: 1 },
    { queues: [], records: 1 },
    { queues: ['timers'], records: 0 },
    { queues: ['spans'], records: 0 },
  ]);
  const spans = readSetAside(objects[3]!.key, objects[3]!.body);
  expect(spans.ok && spans.value.messages.flatMap(({ body }) => spansIn(body)).length).toBe(2);
});
