/** What happens to a Node is one story from its announcement to its end, whoever tells it, and in whatever words. */
import { describe, expect, it } from 'vitest';
import type { EventOccurrence } from '../../../../shared/observation.ts';
import { event, snapshot, spansOf, tell, thing } from './cluster-story.ts';

const node = thing('Node', 'n1');
const said = (at: number, reason: string, message: string, component: string) =>
  event(at, node, reason, message, { reporter: { component } });
const tool = (at: number, reason = 'DrainStarting') => said(at, reason, 'Draining node', 'drainer');
const status = (at: number, reason: string) =>
  said(
    at,
    reason,
    `Node n1 status is now: ${reason}`,
    reason === 'NodeNotReady' ? 'node-controller' : 'kubelet',
  );
const removed = (at: number) =>
  said(at, 'RemovingNode', 'Node n1 event: Removing Node n1', 'node-controller');
const booted = [said(0, 'Starting', 'Starting kubelet.', 'kubelet'), status(20, 'NodeReady')];

/** The reasons of each trace, in order of time. */
const stories = (...observations: EventOccurrence[]): string[] =>
  tell(...observations)
    .split(/\n(?! )/)
    .map((trace) => trace.replaceAll('Node.', '').replaceAll(' n1', '').split(/\n */).join(', '));

describe('what an unknown tool says of a Node', () => {
  it('begins the story of its end, if that follows soon', () => {
    expect(stories(...booted, tool(60), status(70, 'NodeNotSchedulable'), removed(200))).toEqual([
      'Starting, NodeReady',
      'DrainStarting, NodeNotSchedulable, RemovingNode',
    ]);
  });

  it('is of its end, too, where it speaks several times, and where it goes on', () => {
    const drain = [
      tool(0, 'CordonStarting'),
      tool(400),
      status(410, 'NodeNotSchedulable'),
      tool(500, 'Drained'),
    ];
    expect(stories(...drain)).toEqual(['CordonStarting, DrainStarting, NodeNotSchedulable, Drained']);
  });

  it('is not of an end that comes more than a quarter of an hour later', () => {
    expect(stories(tool(0), status(901, 'NodeNotReady'))).toEqual(['DrainStarting', 'NodeNotReady']);
  });

  it('is not of an end that comes after the Node was back', () => {
    expect(stories(tool(0), status(60, 'NodeSchedulable'), status(120, 'NodeNotReady'))).toEqual([
      'DrainStarting',
      'NodeSchedulable',
      'NodeNotReady',
    ]);
  });

  it('is none where the Node’s own agents or a known controller say how it starts', () => {
    const proxy = said(25, 'Starting', '', 'kube-proxy');
    const registered = said(
      30,
      'RegisteredNode',
      'Node n1 event: Registered Node n1 in Controller',
      'node-controller',
    );
    expect(stories(...booted, proxy, registered, status(300, 'NodeNotReady'))).toEqual([
      'Starting, NodeReady, Starting, RegisteredNode',
      'NodeNotReady',
    ]);
  });
});

describe('an eviction through the API', () => {
  const pod = thing('Pod', 'web-0', thing('StatefulSet', 'web'));
  const evicted = (at: number, reason = 'EvictionByEvictionAPI') => [
    {
      ...snapshot(-7200, pod, {
        seen: at,
        nodeName: 'n1',
        deletionTimestamp: new Date(Date.parse('2026-03-01T12:00:30Z') + at * 1000).toISOString(),
        deletionGracePeriodSeconds: 30,
        status: { conditions: [{ type: 'DisruptionTarget', status: 'True', reason }] },
      }),
    },
    event(at, pod, 'Killing', 'Stopping container app'),
  ];
  const below = /^( *)Node\.\w+ n1\n\1 +Pod\.Killing web-0$/m;

  it.each([2, 55])(
    'is because of what a tool said of its Node %d s before it, where nothing else explains it',
    (at) => {
      expect(tell(tool(0), ...evicted(at))).toMatch(below);
    },
  );

  it('is because of what it says a moment after it', () => {
    expect(tell(...evicted(10), tool(12))).toMatch(below);
  });

  it.each([
    { because: 'long before', story: [tool(0), ...evicted(70)] },
    { because: 'of a preemption', story: [tool(0), ...evicted(2, 'PreemptionByScheduler')] },
    { because: 'that is said of Nodes that stay', story: [tool(0, 'Unconsolidatable'), ...evicted(2)] },
  ])('is not because of a word $because', ({ story }) => {
    expect(tell(...story)).not.toMatch(below);
  });

  it('is because of the cordon, where there is one', () => {
    expect(tell(status(0, 'NodeNotSchedulable'), tool(1), ...evicted(2))).toMatch(
      /^( *)Node\.NodeNotSchedulable n1\n(.*\n)?\1 {2}Pod\.Killing web-0$/m,
    );
  });

  it('that a budget held up for longer than a trace lasts is linked to the cordon', () => {
    const spans = spansOf(status(0, 'NodeNotSchedulable'), ...evicted(1500));
    const [cordon, killing] = ['Node.NodeNotSchedulable', 'Pod.Killing'].map((name) =>
      spans.find((span) => span.name === name),
    );
    expect(killing!.traceId).not.toBe(cordon!.traceId);
    expect(killing!.links).toEqual([
      {
        traceId: cordon!.traceId,
        spanId: cordon!.spanId,
        attributes: { 'rootspan.link': 'continues' },
      },
    ]);
  });
});
