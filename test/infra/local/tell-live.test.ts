import { expect, it } from 'vitest';
import {
  describeLater,
  describeUnderWay,
  findOver,
  rememberUnderWay,
} from '../../../infra/local/tell-live.ts';
import type { Span } from '../../../shared/span.ts';
import { makeSpan } from '../../spans.ts';

const look = { width: 120, color: false };
const change = (attributes: Span['attributes'] = {}, status: Span['status'] = { code: 'UNSET' }): Span => ({
  ...makeSpan({
    name: 'Deployment.Update',
    object: 'web',
    attributes: { 'k8s.namespace.name': 'shop', 'rootspan.change.outcome': 'unfinished', ...attributes },
  }),
  status,
});

it('a change that is under way is told with what blocks it', () => {
  const root = change(
    { 'error.type': 'ErrImagePull' },
    { code: 'ERROR', message: 'Pod web-1: ErrImagePull: not found' },
  );
  const now = Number(BigInt(root.startTimeUnixNano) / 1_000_000n) + 45_000;
  expect(describeUnderWay({ root, lastError: undefined }, now, look)).toBe(
    '… Deployment.Update shop/web is under way for 45.00 s, blocked: Pod web-1: ErrImagePull: not found',
  );
  expect(describeUnderWay({ root: change(), lastError: undefined }, now, look)).toBe(
    '… Deployment.Update shop/web is under way for 45.00 s',
  );
});

it('an episode that goes on is told with its last error: a drain whose pods find no place', () => {
  const root = makeSpan({
    name: 'Node.NodeNotSchedulable',
    object: 'n1',
    attributes: { 'k8s.namespace.name': 'shop' },
  });
  const lastError = makeSpan({
    name: 'Pod.FailedScheduling',
    object: 'web-a',
    error: '0/1 nodes are available',
  });
  const now = Number(BigInt(root.startTimeUnixNano) / 1_000_000n) + 9_000;
  expect(describeUnderWay({ root, lastError }, now, look)).toBe(
    '… Node.NodeNotSchedulable shop/n1 goes on for 9.00 s, last: Pod.FailedScheduling web-a: 0/1 nodes are available',
  );
});

it('an episode of the hour before that nothing more was heard of is not said to go on', () => {
  const root = makeSpan({ name: 'Pod.Killing', object: 'db-1', lasts: 30 });
  const now = Number(BigInt(root.startTimeUnixNano) / 1_000_000n) + 630_000;
  expect(describeUnderWay({ root, lastError: undefined }, now, look)).toBe(
    '… Pod.Killing shop/db-1 began 10m 30s ago, last word 10m 00s ago',
  );
});

it('it is told once, and again when the cause is another, not when its words are', () => {
  const { news } = rememberUnderWay();
  const blocked = (type: string, message: string) => [
    { root: change({ 'error.type': type }, { code: 'ERROR', message }), lastError: undefined },
  ];
  expect(news([{ root: change(), lastError: undefined }])).toHaveLength(1);
  expect(news([{ root: change(), lastError: undefined }])).toHaveLength(0);
  expect(news(blocked('ErrImagePull', 'first'))).toHaveLength(1);
  expect(news(blocked('ErrImagePull', 'second'))).toHaveLength(0);
  expect(news(blocked('FailedMount', 'third'))).toHaveLength(1);
});

it('what comes of a trace after it was drawn: a line for each error, one for the rest', () => {
  const root = change();
  const below = (name: string, object: string, failed = false): Span => {
    const span = makeSpan({ name, object });
    return {
      ...span,
      traceId: root.traceId,
      parentSpanId: root.spanId,
      status: failed ? { code: 'ERROR', message: 'Back-off restarting failed container' } : { code: 'UNSET' },
    };
  };
  const later = [
    below('Pod.Started', 'web-a'),
    below('Pod.BackOff', 'web-a', true),
    below('Pod.Started', 'web-b'),
    below('Pod.BackOff', 'web-b', true),
    below('Pod.Ready', 'web-b'),
  ];
  expect(describeLater([root, ...later], new Set([root.spanId]), look)).toEqual([
    '✗ after Deployment.Update shop/web: Pod.BackOff web-b ×2: Back-off restarting failed container',
    '+ after Deployment.Update shop/web: Pod.Started ×2, Pod.Ready',
  ]);
});

it('of a caller’s trace each change is over on its own, and so is the one that has no caller', () => {
  const caller = '00f067aa0ba902b7';
  const rollout = (object: string, trace: string, parent: string | null) => {
    const root = makeSpan({ name: 'Deployment.Update', object, trace, parent, manager: 'helm' });
    const because = { 'rootspan.because': 'owner' };
    const event = makeSpan({ name: 'Pod.Started', object, trace, parent: root, attributes: because });
    return { root, event };
  };
  const [web, api, own] = [
    rollout('web', 'pipeline', caller),
    rollout('api', 'pipeline', caller),
    rollout('db', 'db', null),
  ] as const;
  const over = findOver([web.root, web.event, api.event, own.event, own.root]);
  expect([...over]).toEqual([
    [web.root.spanId, [web.root, web.event]],
    [own.root.spanId, [own.root, own.event]],
  ]);
  expect(describeLater([api.root, api.event], new Set([api.root.spanId]), look)).toEqual([
    '+ after Deployment.Update shop/api: Pod.Started',
  ]);
});
