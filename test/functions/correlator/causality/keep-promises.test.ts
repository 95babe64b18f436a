import { describe, expect, it } from 'vitest';
import { assemble, type SentSpan } from '../../../../functions/correlator/causality/assemble.ts';
import type { Observation } from '../../../../shared/observation.ts';
import type { Span } from '../../../../shared/span.ts';
import { atSecond, atTheEnd, event, outline, rollout, snapshot, thing } from './cluster-story.ts';

/** What was final a minute after the first of the story was sent; then the rest comes. */
function told(early: readonly Observation[], late: readonly Observation[]): Span[] {
  const first = assemble({ cluster: {}, observations: early, now: atSecond(60) });
  const sent = new Map<string, SentSpan>(
    first.filter(({ final }) => final).map(({ span }) => [span.spanId, span]),
  );
  expect(sent.size).toBeGreaterThan(0);
  const all = assemble({ cluster: {}, observations: [...early, ...late], sent, now: atTheEnd });
  for (const { span } of all) if (sent.has(span.spanId)) expect(span).toMatchObject(sent.get(span.spanId)!);
  return all.map(({ span }) => span);
}

describe('a container’s start that was sent, and then what it belongs to turns out to be another trace', () => {
  const { deployment, pod, observations } = rollout(0);
  const [, ...withoutDeployment] = observations;
  const starts = [event(1, pod, 'Created', 'Created container web'), event(2, pod, 'Started', 'Started')];
  const spans = told([...withoutDeployment, ...starts], [snapshot(0, deployment, { replicas: 1 })]);

  it('keeps its ancestors, up to where its trace begins', () => {
    const [root] = spans.filter(
      ({ parentSpanId, name }) => parentSpanId === null && name !== 'Deployment.Create',
    );
    expect(outline(spans.filter(({ traceId }) => traceId === root!.traceId))).toBe(
      [
        'Deployment.ScalingReplicaSet web',
        '  ReplicaSet.SuccessfulCreate web-1',
        '    Pod.Scheduled web-1-a',
        '    Pod.Created web-1-a',
        '    Pod.Started web-1-a',
      ].join('\n'),
    );
    expect(root!.attributes).not.toHaveProperty('rootspan.because');
  });

  it('leaves the change with a root of its own', () => {
    expect(
      spans
        .filter(({ parentSpanId }) => parentSpanId === null)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['Deployment.Create', 'Deployment.ScalingReplicaSet']);
  });
});

it('a link leads to the trace in which what it links to was sent, whatever became known since then', () => {
  const node = thing('Node', 'n1');
  // The kubelet gives its name for a UID: the trace is that of a Node of which only the name is known.
  const byName = { kind: 'Node', namespace: 'shop', name: 'n1', uid: 'n1' };
  const says = (at: number, reason: string, subject = byName) =>
    event(at, node, reason, `Node n1 status is now: ${reason}`, { subject });
  const spans = told(
    [says(-900, 'NodeNotSchedulable')],
    [snapshot(100, node), says(1000, 'NodeNotReady', { ...byName, uid: node.uid })],
  );
  const [cordoned, lost] = ['Node.NodeNotSchedulable', 'Node.NodeNotReady'].map(
    (name) => spans.find((span) => span.name === name)!,
  );
  expect(lost!.links.map(({ traceId, spanId }) => [traceId, spanId])).toEqual([
    [cordoned!.traceId, cordoned!.spanId],
  ]);
});
