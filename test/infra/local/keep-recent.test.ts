import { describe, expect, it } from 'vitest';
import { keepRecentRecords, keepRecentTraces } from '../../../infra/local/keep-recent.ts';
import type { Span } from '../../../shared/span.ts';

/** `a2` is the second span of trace a; it starts at that second. */
const span = (id: string): Span => ({
  traceId: id[0]!,
  spanId: id,
  parentSpanId: null,
  name: 'Pod.Pulling',
  startTimeUnixNano: `${id[1]}000000000`,
  endTimeUnixNano: `${id[1]}000000000`,
  status: { code: 'UNSET' },
  resource: {},
  attributes: {},
  links: [],
});
const spans = (ids: string) => ids.split(' ').map(span);
const told = (all: readonly Span[]) => all.map(({ spanId }) => spanId).join(' ');

describe('the newest traces', () => {
  it('are kept whole: those that nothing came of for longest go first', () => {
    const kept = keepRecentTraces(4);
    kept.add(spans('a1 a2 b1'));
    kept.add(spans('a3'));
    expect([told(kept.spans()), kept.letGo()]).toEqual(['b1 a1 a2 a3', 0]);
    kept.add(spans('c1'));
    expect([told(kept.spans()), kept.letGo()]).toEqual(['a1 a2 a3 c1', 1]);
    expect(['a', 'b'].map(kept.isLetGo)).toEqual([false, true]);
  });

  it('are never half of one: what comes late of one that was let go is left out, and told as something new', () => {
    const kept = keepRecentTraces(2);
    kept.add(spans('a1 b1 c1'));
    kept.add(spans('a2'));
    expect([told(kept.spans()), kept.added()]).toEqual(['b1 c1', 4]);
  });

  it('have the last one whatever its size', () => {
    const kept = keepRecentTraces(2);
    kept.add(spans('a1 b1 b2 b3'));
    expect(told(kept.spans())).toBe('b1 b2 b3');
  });
});

describe('the newest records', () => {
  const record = (text: string) => new TextEncoder().encode(text);
  const texts = (all: readonly Uint8Array[]) => all.map((data) => new TextDecoder().decode(data));

  it('are those of a time', () => {
    let now = 0;
    const kept = keepRecentRecords({ age: 60, bytes: 1_000 }, () => now);
    for (const name of ['at 0', 'at 30', 'at 60', 'at 90']) {
      kept.add(record(name));
      now += 30;
    }
    expect([texts(kept.all()), kept.goneUntil()]).toEqual([['at 60', 'at 90'], 30]);
  });

  it('and of a size', () => {
    const kept = keepRecentRecords({ age: 60, bytes: 9 }, () => 7);
    for (const name of ['aaaa', 'bbbb', 'cccc']) kept.add(record(name));
    expect([texts(kept.all()), kept.goneUntil()]).toEqual([['bbbb', 'cccc'], 7]);
  });

  it('are all as long as there is room', () => {
    const kept = keepRecentRecords({ age: 60, bytes: 9 }, () => 7);
    for (const name of ['aaaa', 'bbbb']) kept.add(record(name));
    expect([texts(kept.all()), kept.goneUntil()]).toEqual([['aaaa', 'bbbb'], undefined]);
  });
});
