/** What other tools write of Events and objects, as text, and what is observed of it. */
import { describe, expect, it } from 'vitest';
import { observeFile } from '../../../../infra/local/input/observe-file.ts';
import type { Observation } from '../../../../shared/observation.ts';

async function* inPieces(text: string, size: number): AsyncGenerator<string> {
  for (let i = 0; i < text.length; i += size) yield text.slice(i, i + size);
}

const find = (text: string, { size = 50, isNamed = true } = {}) =>
  Array.fromAsync(observeFile('f', inPieces(text, size), { isNamed }));

const observe = async (text: string): Promise<Observation[]> =>
  (await find(text)).map(({ observation }) => observation);

const complaint = async (text: string): Promise<string> => {
  const reason: unknown = await observe(text).catch((error: unknown) => error);
  return reason instanceof Error ? `${reason.name} ${reason.message}` : 'no complaint';
};

const event = (over: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: 'web-0.17f5c2', namespace: 'shop', uid: 'e1', creationTimestamp: '2024-09-17T08:00:01Z' },
  involvedObject: { kind: 'Pod', namespace: 'shop', name: 'web-0', uid: 'p1' },
  reason: 'Pulled',
  message: 'Container image "nginx" already present on machine',
  source: { component: 'kubelet', host: 'n1' },
  firstTimestamp: '2024-09-17T08:00:01Z',
  lastTimestamp: '2024-09-17T08:00:01Z',
  count: 1,
  type: 'Normal',
  ...over,
});
const pod = (metadata: object = {}, over: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'web-0',
    namespace: 'shop',
    uid: 'p1',
    creationTimestamp: '2024-09-17T08:00:00Z',
    ...metadata,
  },
  ...over,
});
const lines = (...values: unknown[]) => values.map((value) => JSON.stringify(value)).join('\n');

describe('the lines of a watch', () => {
  const stream = [
    { type: 'ADDED', object: event() },
    { type: 'MODIFIED', object: event({ count: 2, lastTimestamp: '2024-09-17T08:00:31Z' }) },
    { type: 'BOOKMARK', object: { kind: 'Event', apiVersion: 'v1', metadata: { resourceVersion: '20' } } },
    { type: 'DELETED', object: event({ count: 2, lastTimestamp: '2024-09-17T08:00:31Z' }) },
    {
      type: 'ERROR',
      object: { kind: 'Status', apiVersion: 'v1', metadata: {}, code: 410, reason: 'Expired' },
    },
  ];

  it.each([
    ['one a line', lines(...stream)],
    ['as kubectl prints them', stream.map((each) => JSON.stringify(each, null, 4)).join('\n')],
    [
      'as YAML',
      stream.map((each) => `object: ${JSON.stringify(each.object)}\ntype: ${each.type}\n`).join('---\n'),
    ],
    ['in a recording', `{"type":"start"}\n${lines(...stream)}`],
  ])('%s: each change of an Event is an occurrence, its expiry and a bookmark are none', async (_, text) => {
    expect(await observe(text)).toMatchObject([
      { observedAt: '2024-09-17T08:00:01Z', event: { uid: 'e1', count: 1 } },
      { observedAt: '2024-09-17T08:00:31Z', event: { uid: 'e1', count: 2 } },
    ]);
  });

  it('tell of an object when it was written; an item of a list was there before', async () => {
    const [watched] = await observe(lines({ type: 'MODIFIED', object: pod() }));
    const [listed] = await observe(lines(pod()));
    expect([watched, listed]).toMatchObject([
      { deleted: false, observedAt: '2024-09-17T08:00:00Z' },
      { deleted: false, from: 'list' },
    ]);
    expect(watched).not.toHaveProperty('from');
  });

  it('tell what is gone; where it does not say since when, it was there until the last change before', async () => {
    const marked = pod({ uid: 'p2', deletionTimestamp: '2024-09-17T08:03:00Z' });
    const read = await observe(
      lines(
        { type: 'ADDED', object: pod() },
        { type: 'ADDED', object: pod({ uid: 'p3', creationTimestamp: '2024-09-17T08:05:00Z' }) },
        { type: 'DELETED', object: pod() },
        { type: 'DELETED', object: marked },
      ),
    );
    expect(read.slice(2)).toMatchObject([
      { deleted: true, observedAt: '2024-09-17T08:05:00Z', object: { uid: 'p1' } },
      { deleted: true, observedAt: '2024-09-17T08:03:00Z', object: { uid: 'p2' } },
    ]);
  });
});

it('an object without managed fields is as new as its status', async () => {
  const status = {
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2024-09-17T08:00:09Z' }],
    containerStatuses: [{ name: 'app', state: { running: { startedAt: '2024-09-17T08:00:07Z' } } }],
  };
  expect(await observe(lines(pod({}, { status })))).toMatchObject([{ observedAt: '2024-09-17T08:00:09Z' }]);
});

describe('eventrouter', () => {
  const { kind: _, apiVersion: __, ...bare } = event();

  it('says what was added', async () => {
    expect(await observe(lines({ verb: 'ADDED', event: bare }))).toMatchObject([
      { event: { uid: 'e1', count: 1 } },
    ]);
  });

  it('says what was updated, and what it was before', async () => {
    const updated = { ...bare, count: 3, lastTimestamp: '2024-09-17T08:00:31Z' };
    expect(await observe(lines({ verb: 'UPDATED', event: updated, old_event: bare }))).toMatchObject([
      { observedAt: '2024-09-17T08:00:01Z', event: { count: 1 } },
      { observedAt: '2024-09-17T08:00:31Z', event: { count: 3 } },
    ]);
  });
});

describe('an odd but valid Event is an Event', () => {
  it.each<[string, object]>([
    ['without a UID', { metadata: { name: 'x', creationTimestamp: '2024-09-17T08:00:01Z' } }],
    ['about nothing', { involvedObject: {} }],
    ['about nobody knows what', { involvedObject: null }],
    ['about a kind without a name', { involvedObject: { kind: 'Pod', namespace: 'shop' } }],
    ['that was only created', { firstTimestamp: null, lastTimestamp: null }],
    [
      'of which only the name tells when',
      { metadata: { name: 'web-0.17f5f92c74ce2f00', uid: 'e1' }, firstTimestamp: null, lastTimestamp: null },
    ],
  ])('%s', async (_, over) => {
    const [read, ...rest] = await observe(lines(event(over)));
    expect(rest).toEqual([]);
    expect(read).toMatchObject({ type: 'event', event: { reason: 'Pulled' } });
    expect(read!.observedAt).toMatch(/^2024-09-17T08:00:0/);
  });

  it('even where it was stripped of all that makes an object', async () => {
    const { kind: _, apiVersion: __, metadata: ___, ...stripped } = event();
    expect(await observe(`${lines({ type: 'start' }, stripped)}`)).toHaveLength(1);
  });

  it('but one of which nothing at all tells when it was has no place in a trace', async () => {
    const timeless = event({ metadata: { name: 'x', uid: 'e1' }, firstTimestamp: null, lastTimestamp: null });
    expect(await complaint(lines(event(), timeless))).toMatch(/^UserError f:2: Event has no time; /);
  });
});

describe('what is not meant', () => {
  it.each([
    [
      'a log before a list',
      `W0917 08:00:00.123456 1 warnings.go:70] deprecated\n${lines(event())}`,
      'f:1: a log line; ',
    ],
    ['a log between lists', `${lines(event())}\nI0917 08:00:00.123456 1 main.go:7] x\n`, 'f:2: a log line; '],
    ['a log between lines', `{"type":"start"}\n2024-09-17T08:00:00Z INFO x\n`, 'f:2: a log line; '],
    ['a log with brackets', `[2024-09-17 08:00:00] INFO x\n`, 'f:1: a log line; '],
    [
      'a table',
      'LAST SEEN   TYPE     REASON\n1m          Normal   Pulled\n',
      "f:1: kubectl's table; add -o json",
    ],
    ['a transcript', '$ kubectl get events -o json\n{}', "f:1: a terminal's transcript; "],
    [
      'a warning',
      `Warning: v1 ComponentStatus is deprecated\n${lines(event())}`,
      'f:1: a word of kubectl to you; ',
    ],
    ['a log in JSON', lines({ type: 'log', message: 'x' }), 'f:1: "type" is neither event nor object; '],
    [
      'an audit log',
      lines({ kind: 'Event', apiVersion: 'audit.k8s.io/v1', auditID: 'x', stage: 'ResponseComplete' }),
      'f:1: an audit log, whose Events are requests; ',
    ],
  ])('%s', async (_, text, message) => {
    expect((await complaint(text)).slice(0, 'UserError '.length + message.length)).toBe(
      `UserError ${message}`,
    );
  });

  it('in a folder YAML of something else is not read to its end', async () => {
    const text = `name: hello\n${'- hello: world\n'.repeat(10)}broken: [`;
    await expect(find(text, { isNamed: false, size: 1000 })).rejects.toThrow('f:1: neither JSON nor YAML');
    await expect(find(text)).rejects.toThrow(/^f:2: not YAML/);
  });

  it('what no program of Kubernetes writes: lists in lists without end', async () => {
    expect(await complaint('['.repeat(100_000) + ']'.repeat(100_000))).toMatch(
      /^UserError f:1: lists nested too deeply; /,
    );
  });
});
