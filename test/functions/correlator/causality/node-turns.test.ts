/** What happens to a Node is one story from its announcement to its end, whoever tells it, and in whatever words. */
import { describe, expect, it } from 'vitest';
import type { EventOccurrence } from '../../../../shared/observation.ts';
import { event, tell, thing } from './cluster-story.ts';

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
