/** Repeats tell of their first time; times that are known to the second are that second. */
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../../../shared/observation.ts';
import type { Span } from '../../../../shared/span.ts';
import { atSecond, event, rollout, snapshot, spansOf, thing } from './cluster-story.ts';

const occurrencesOf = (spans: readonly Span[], reason: string) =>
  spans
    .filter(({ name }) => name.endsWith(`.${reason}`))
    .map(
      ({ attributes, startTimeUnixNano }) =>
        [attributes['k8s.event.count'], BigInt(startTimeUnixNano)] as const,
    )
    .sort((a, b) => Number(a[1] - b[1]));

const { pod, observations } = rollout(0);
const noon = '2026-03-01T12:00:00Z';

describe('an Event that was only seen repeated', () => {
  const repeated = (details: Parameters<typeof event>[4]) =>
    event(90, pod, 'BackOff', 'Back-off pulling image', { uid: 'loop', count: 5, ...details });

  it('has its first occurrence, at its firstTimestamp', () => {
    const spans = spansOf(...observations, repeated({ name: 'web', firstTimestamp: '2026-03-01T12:00:02Z' }));
    expect(occurrencesOf(spans, 'BackOff')).toEqual([
      [1, atSecond(2)],
      [5, atSecond(90.02)],
    ]);
  });

  it('to the nanosecond, where its name agrees', () => {
    const name = `web.${atSecond(2.5).toString(16)}`;
    const spans = spansOf(...observations, repeated({ name, firstTimestamp: '2026-03-01T12:00:02Z' }));
    expect(occurrencesOf(spans, 'BackOff')[0]).toEqual([1, atSecond(2.5)]);
  });

  it('of a series, at its eventTime', () => {
    const series = { name: 'x', firstTimestamp: undefined, eventTime: '2026-03-01T12:00:02.250000Z' };
    const spans = spansOf(...observations, repeated({ ...series, lastObservedTime: '2026-03-01T12:01:30Z' }));
    expect(occurrencesOf(spans, 'BackOff')[0]).toEqual([1, atSecond(2.25)]);
  });

  it('once, where it was seen itself, and with what was seen of it', () => {
    const first = event(2, pod, 'BackOff', 'the first', { uid: 'loop' });
    const spans = spansOf(...observations, first, repeated({ firstTimestamp: '2026-03-01T12:00:02Z' }));
    expect(occurrencesOf(spans, 'BackOff').map(([count]) => count)).toEqual([1, 5]);
    expect(spans.find(({ attributes }) => attributes['k8s.event.uid'] === 'loop')?.attributes).toMatchObject({
      'k8s.event.message': 'the first',
    });
  });

  it('not where the repeat is a day or more later', () => {
    const spans = spansOf(...observations, repeated({ name: 'x', firstTimestamp: '2026-02-28T12:00:00Z' }));
    expect(occurrencesOf(spans, 'BackOff').map(([count]) => count)).toEqual([5]);
  });

  it('those between are not made up', () => {
    const third = event(30, pod, 'BackOff', 'x', { uid: 'loop', count: 3, firstTimestamp: noon });
    const spans = spansOf(...observations, third, repeated({ firstTimestamp: noon }));
    expect(occurrencesOf(spans, 'BackOff').map(([count]) => count)).toEqual([1, 3, 5]);
  });

  it('and is folded: the first one drives nothing, since its message was another', () => {
    const replicaSet = thing('ReplicaSet', 'web-1');
    const folded = event(
      30,
      replicaSet,
      'SuccessfulCreate',
      '(combined from similar events): Created pod: web-1-b',
      {
        uid: 'folded',
        count: 4,
        name: 'x',
        firstTimestamp: '2026-03-01T12:00:10Z',
      },
    );
    const late = snapshot(29.9, thing('Pod', 'web-1-b', replicaSet));
    const said = event(31, thing('Pod', 'web-1-b'), 'Scheduled', 'x');
    const spans = spansOf(...observations, folded, late, said);
    const scheduled = spans.find(
      ({ startTimeUnixNano, name }) => name === 'Pod.Scheduled' && startTimeUnixNano === String(atSecond(31)),
    )!;
    const parent = spans.find(({ spanId }) => spanId === scheduled.parentSpanId);
    expect(parent?.attributes['k8s.event.count']).toBe(4);
  });
});

describe('what is known to the second', () => {
  /** As in a dump: nobody says when it was seen. */
  const coarse = (resourceVersion: string, reason: string, details = {}): Observation => ({
    ...event(60, pod, reason, 'x', {
      uid: `${reason}-${resourceVersion}`,
      resourceVersion,
      name: 'x',
      ...details,
    }),
    observedAt: '2026-03-01T12:01:00Z',
  });
  const startsOf = (...told: Observation[]) => {
    const spans = spansOf(...told);
    return (reason: string) => occurrencesOf(spans, reason)[0]![1];
  };

  it('starts at strictly increasing times, in order of resourceVersion', () => {
    const at = startsOf(coarse('12', 'Started'), coarse('10', 'Pulled'), coarse('11', 'Created'));
    expect(at('Pulled')).toBe(atSecond(60));
    expect(at('Created') > at('Pulled') && at('Started') > at('Created')).toBe(true);
  });

  it('moves for what has a better time, which never moves', () => {
    const exact = { name: `x.${atSecond(60.5).toString(16)}` };
    const at = startsOf(coarse('12', 'Started'), coarse('10', 'Pulled'), coarse('11', 'Created', exact));
    expect(at('Created')).toBe(atSecond(60.5));
    expect(at('Pulled') < at('Created') && at('Started') > at('Created')).toBe(true);
    expect(at('Started') < atSecond(61)).toBe(true);
  });
});
