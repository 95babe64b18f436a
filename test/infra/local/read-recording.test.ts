import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { clusterOf, readObservations } from '../../../infra/local/read-recording.ts';
import { UserError } from '../../../shared/errors.ts';
import type { Observation } from '../../../shared/observation.ts';
import { readRecording } from '../../read-recordings.ts';

const directory = mkdtempSync(join(tmpdir(), 'rootspan-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

async function* inPieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

const readText = (text: string, size = 7): Promise<Observation[]> =>
  Array.fromAsync(readObservations(['-'], { baseDirectory: '.', standardInput: inPieces(text, size) }));

const complaint = async (text: string): Promise<string> => {
  const error = await readText(text).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  return (error as UserError).message;
};

const event = (over: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: 'web.1', namespace: 'shop', uid: 'e1', creationTimestamp: '2026-03-01T12:00:00Z' },
  involvedObject: { kind: 'Pod', namespace: 'shop', name: 'web', uid: 'p1' },
  reason: 'Killing',
  message: 'Stopping 5" "app"\n}]',
  source: { component: 'kubelet', host: 'n1' },
  firstTimestamp: '2026-03-01T12:00:00Z',
  lastTimestamp: '2026-03-01T12:00:05Z',
  count: 2,
  type: 'Normal',
  ...over,
});
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'shop', uid: 'p1', creationTimestamp: '2026-03-01T11:00:00Z' },
  spec: { nodeName: 'n1', containers: [{ env: [{ name: 'PASSWORD', value: 'hunter2' }] }] },
};
const recorded = (over: object = {}) =>
  JSON.stringify({
    type: 'event',
    receivedAt: '2026-03-01T12:00:05.020Z',
    watch: 'ADDED',
    event: event(),
    ...over,
  });

describe('a recording', () => {
  it('is read line by line; remarks and the expiry of an Event are skipped', async () => {
    const text = [
      '{"type":"start"}',
      '{"type":"command","command":"kubectl apply"}',
      JSON.stringify({ type: 'eventv1', receivedAt: '2026-03-01T12:00:05Z', watch: 'ADDED', event: event() }),
      '{"type":"gap","kind":"Pod"}',
      recorded(),
      recorded({ watch: 'DELETED' }),
      JSON.stringify({ type: 'object', at: '2026-03-01T12:00:06Z', watch: 'DELETED', object: pod }),
      '{"type":"end"}',
    ].join('\r\n');
    const [first, second, ...rest] = await readText(`\uFEFF${text}`);
    expect(rest).toEqual([]);
    expect(first).toMatchObject({
      type: 'event',
      event: { uid: 'e1', count: 2, reporter: { component: 'kubelet', instance: 'n1' } },
    });
    expect(second).toMatchObject({ type: 'object', deleted: true, object: { nodeName: 'n1' } });
  });

  it('keeps nothing of a pod but what causality needs, and nothing at all of a Secret', async () => {
    const secret = { ...pod, kind: 'Secret', data: { password: 'aHVudGVyMg==' } };
    const read = await readText(
      [pod, secret]
        .map((object) =>
          JSON.stringify({ type: 'object', at: '2026-03-01T12:00:06Z', watch: 'LIST', object }),
        )
        .join('\n'),
    );
    expect(read).toHaveLength(1);
    expect(JSON.stringify(read)).not.toMatch(/hunter2|aHVudGVyMg/);
  });
});

describe('what kubectl prints', () => {
  const listOf = (items: unknown[], kind = 'List') => ({
    apiVersion: 'v1',
    items,
    kind,
    metadata: { resourceVersion: '' },
  });

  it.each([
    ['a List, indented', JSON.stringify(listOf([event(), pod]), null, 4)],
    ['a List in one line', JSON.stringify(listOf([event(), pod]))],
    ['two documents', `${JSON.stringify(event(), null, 2)}\n${JSON.stringify(pod, null, 2)}`],
    ['a List whose items name no kind', JSON.stringify(listOf([event({ kind: undefined }), pod]), null, 1)],
  ])('%s', async (_, text) => {
    for (const size of [3, 64, 1 << 16]) {
      const read = await readText(text, size);
      expect(read.map(({ type, observedAt }) => [type, observedAt])).toEqual([
        ['event', '2026-03-01T12:00:05Z'],
        ['object', '2026-03-01T11:00:00Z'],
      ]);
    }
  });

  it('a YAML List and YAML documents', async () => {
    const item = `apiVersion: v1
kind: Event
metadata:
  name: web.1
  uid: e1
  creationTimestamp: "2026-03-01T12:00:00Z"
involvedObject:
  kind: Pod
  name: web
reason: Killing
message: |
  - not an item
  items:
eventTime: null
firstTimestamp: "2026-03-01T12:00:00Z"
lastTimestamp: "2026-03-01T12:00:05Z"`;
    const indented = `- ${item.replaceAll('\n', '\n  ')}`;
    const list = `apiVersion: v1\nitems:\n${indented}\n${indented}\nkind: List\nmetadata:\n  resourceVersion: ""\n`;
    expect(await readText(list)).toHaveLength(2);
    expect(await readText(`---\n${item}\n---\n${item}\n`)).toEqual(await readText(list));
  });

  it('one object a line, as `jq -c .items[]` prints them', async () => {
    const lines = [event(), pod, event()].map((item) => JSON.stringify(item)).join('\n');
    expect((await readText(lines)).map(({ type }) => type)).toEqual(['event', 'object', 'event']);
  });

  const { kind: _, apiVersion: __, ...untyped } = pod;
  it.each([
    ['JSON', JSON.stringify({ kind: 'DeploymentList', apiVersion: 'apps/v1', items: [untyped, untyped] })],
    [
      'YAML',
      `apiVersion: apps/v1\nkind: DeploymentList\nitems:\n${`- ${JSON.stringify(untyped)}\n`.repeat(2)}metadata: {}\n`,
    ],
  ])('a typed list, whose items say neither kind nor version, as %s', async (_, text) => {
    for (const read of await readText(text)) {
      expect(read).toMatchObject({ object: { kind: 'Deployment', apiVersion: 'apps/v1' } });
    }
    expect(await readText(text)).toHaveLength(2);
  });

  it('a YAML List that another tool has indented, and one with Windows’ line ends', async () => {
    const list = (dash: string) => [
      'apiVersion: v1',
      'items:',
      `${dash}${JSON.stringify(pod)}`,
      `${dash}${JSON.stringify(event())}`,
      'kind: List',
      '',
    ];
    for (const text of [list('  - ').join('\n'), list('- ').join('\r\n')]) {
      expect((await readText(text)).map(({ type }) => type)).toEqual(['object', 'event']);
    }
  });

  it('an object is as old as the newest time it holds', async () => {
    const managedFields = [null, { time: '2026-03-01T11:30:00Z' }, { time: '2026-03-01T11:20:00Z' }];
    const [read] = await readText(JSON.stringify({ ...pod, metadata: { ...pod.metadata, managedFields } }));
    expect(read!.observedAt).toBe('2026-03-01T11:30:00Z');
  });

  it('an empty List is no observation', async () => {
    expect(await readText(JSON.stringify(listOf([])))).toEqual([]);
    expect(await readText('apiVersion: v1\nitems: []\nkind: List\n')).toEqual([]);
    expect(await readText('{"kind":"EventList","apiVersion":"v1","metadata":{},"items":null}')).toEqual([]);
  });
});

it('both APIs’ forms of one Event are one occurrence', async () => {
  const modern = {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: event().metadata,
    regarding: event().involvedObject,
    reason: 'Killing',
    note: event().message,
    type: 'Normal',
    eventTime: null,
    deprecatedSource: event().source,
    deprecatedFirstTimestamp: event().firstTimestamp,
    deprecatedLastTimestamp: event().lastTimestamp,
    deprecatedCount: 2,
  };
  expect(await readText(recorded({ event: modern }))).toEqual(await readText(recorded()));
});

it('kspan’s captures', async () => {
  const read = await readRecording('kspan-deployment-2-pods.yaml');
  expect(read.filter(({ type }) => type === 'event')).toHaveLength(19);
  expect(read.filter(({ type }) => type === 'object').length).toBeGreaterThan(0);
});

it('kspan’s captures hold no Event that is only like one: each document has its caption', async () => {
  const capture = (caption: string) => `---\n# ${caption}\n${JSON.stringify(pod)}\n`;
  const [read] = await readText(
    capture('{"time":"2021-05-19T09:42:58.640117041Z","style":"initial","kind":"Pod"}'),
  );
  expect(read).toMatchObject({ observedAt: '2021-05-19T09:42:58.640117041Z', deleted: false });
});

it('the cluster is known by its namespace kube-system, where that is among the snapshots', async () => {
  const namespace = (name: string, uid: string) =>
    JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { ...pod.metadata, name, uid } });
  expect(clusterOf(await readText(`${namespace('default', 'a')}\n${namespace('kube-system', 'b')}`))).toEqual(
    { uid: 'b' },
  );
  expect(clusterOf(await readText(namespace('default', 'a')))).toEqual({});
});

it('nothing at all is no observation', async () => {
  expect(await readText('')).toEqual([]);
  expect(await readText('\n\n')).toEqual([]);
});

describe('bad input is told with file and line', () => {
  const give = 'give a recording, a kspan capture or the output of kubectl get events -o json|yaml';
  const asGiven = "give kubectl's output as it is";
  const listText = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [event(), pod] }, null, 1);
  const lineOf = (text: string, what: string) => text.slice(0, text.indexOf(what)).split('\n').length;

  it.each([
    ['not text', '\n\nhello world', `3: neither JSON nor YAML; ${give}`],
    ['zeros', '\0\0\0\0', `1: neither JSON nor YAML; ${give}`],
    [
      'a line cut off',
      `${recorded()}\n${recorded().slice(0, 40)}`,
      '2: not JSON, or cut off; a recording has one JSON object a line',
    ],
    ['a line without a type', `${recorded()}\n{"a":1}`, `2: no "type"; ${give}`],
    ['a line that is no object', `${recorded()}\nnull`, `2: no "type"; ${give}`],
    [
      'a line of a watch about nothing',
      `${recorded()}\n{"type":"ADDED","object":{}}`,
      `2: no Kubernetes object (kind is missing); ${give}`,
    ],
    [
      'a line of a watch that does not exist',
      `${recorded()}\n{"type":"RELISTED","object":{}}`,
      `2: "type" is neither event nor object; ${give}`,
    ],
    ['an Event that is none', recorded({ event: 7 }), `1: Event is no object; ${give}`],
    [
      'an Event with a UID that is none',
      recorded({ event: event({ metadata: { name: 'x', uid: 7 } }) }),
      `1: Event metadata.uid should be string, is number; ${give}`,
    ],
    [
      'an Event about what has no kind but a number',
      recorded({ event: event({ involvedObject: { kind: 7 } }) }),
      `1: Event involvedObject.kind should be string, is number; ${give}`,
    ],
    [
      'a wrong count',
      recorded({ event: event({ count: 'two' }) }),
      `1: Event count should be number, is string; ${give}`,
    ],
    [
      'no time of arrival',
      recorded({ receivedAt: 'today' }),
      '1: "receivedAt" is not an RFC 3339 time; write it like 2026-11-23T04:51:02.137Z',
    ],
    [
      'an object without a kind',
      '{"type":"object","at":"2026-03-01T12:00:00Z","object":{}}',
      `1: object apiVersion is missing; ${give}`,
    ],
    [
      'a List cut off',
      listText.slice(0, -9),
      `${listText.slice(0, -9).split('\n').length}: the JSON ends in the middle; is the file cut?`,
    ],
    ['a string without an end', '{\n"a": "b\n}\n', '4: the JSON ends in the middle; is the file cut?'],
    [
      'a bracket too many',
      `${JSON.stringify(pod)}\n}`,
      '2: not JSON: one bracket too many; is the file cut?',
    ],
    ['words behind a List', `${listText}\nhello`, `${listText.split('\n').length + 1}: not JSON; ${asGiven}`],
    [
      'a List of numbers',
      '{"kind":"List","items":[0]}',
      `1: a list with something else than objects among its items; ${asGiven}`,
    ],
    [
      'a List without its commas',
      '{"kind":"List","items":[{"apiVersion":"v1","kind":"Secret"} {"apiVersion":"v1","kind":"Secret"}]}',
      `1: a list with something else than objects among its items; ${asGiven}`,
    ],
    [
      'an item of a List with a wrong time',
      listText.replace('"lastTimestamp": "2026', '"lastTimestamp": "hunter2'),
      `${lineOf(listText, '{\n   "apiVersion"')}: Event lastTimestamp is not an RFC 3339 time between 1970 and 2262; ${give}`,
    ],
    [
      'an item of a List without a UID',
      listText.replace('"uid": "p1",\n    "creation', '"creation'),
      `${lineOf(listText, '{\n   "apiVersion": "v1",\n   "kind": "Pod"')}: Pod metadata.uid is missing; ${give}`,
    ],
    [
      'an object without a time',
      '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","uid":"b"}}',
      `1: Pod has no time; ${give}`,
    ],
    ['other YAML', '# hunter2\nhello: world\n', `1: no Kubernetes object (kind is missing); ${give}`],
    [
      'broken YAML',
      'apiVersion: v1\nkind: Event\nmetadata:\n  name: "a\n',
      `4: not YAML (missing char); ${give}`,
    ],
    [
      'the second item of a YAML List',
      `apiVersion: v1\nitems:\n- ${JSON.stringify(pod)}\n- apiVersion: v1\n  kind: Pod\nkind: List\n`,
      `4: Pod metadata.name is missing; ${give}`,
    ],
    [
      'what stands behind a YAML List',
      `apiVersion: v1\nitems:\n- ${JSON.stringify(pod)}\nkind: List\nhello\n`,
      `5: not YAML (missing char); ${give}`,
    ],
    [
      'the second YAML document',
      `${JSON.stringify(pod).replace(/^/, '---\n')}\n---\nkind: Pod\n`,
      `4: Pod apiVersion is missing; ${give}`,
    ],
    [
      'YAML that would unfold to gigabytes',
      [
        'a: &a [x,x,x,x,x,x,x,x,x,x]',
        ...['b', 'c', 'd'].map((key, i) => `${key}: &${key} [${`*${'abc'[i]},`.repeat(9)}]`),
      ].join('\n'),
      `1: YAML with too many aliases; ${give}`,
    ],
  ])('%s', async (_, text, message) => {
    expect(await complaint(text)).toBe(`standard input:${message}`);
  });

  it('a file that is not there, and a file that is not text', async () => {
    const read = (file: string) => Array.fromAsync(readObservations([file], { baseDirectory: directory }));
    await expect(read('nowhere.jsonl')).rejects.toThrow('nowhere.jsonl: no such file; check the path');
    writeFileSync(join(directory, 'binary'), Buffer.from([0x7b, 0x0a, 0xff, 0xfe, 0x00]));
    await expect(read('binary')).rejects.toThrow(`binary:2: not UTF-8 text; ${give}`);
    writeFileSync(join(directory, 'cut'), Buffer.from([0x7b, 0x0a, 0xe2, 0x82]));
    await expect(read('cut')).rejects.toThrow('cut:2: not UTF-8 text');
  });

  it('nothing behind it is read, and what came before has been handed on', async () => {
    const seen: Observation[] = [];
    const reading = (async () => {
      for await (const observation of readObservations(['-'], {
        baseDirectory: '.',
        standardInput: inPieces(`${recorded()}\n{"a":1}\n${recorded()}`, 64),
      })) {
        seen.push(observation);
      }
    })();
    await expect(reading).rejects.toThrow(UserError);
    expect(seen).toHaveLength(1);
  });
});

it('Go’s zero time is no time, nor is one that no span can hold', async () => {
  const zero = recorded({ event: event({ eventTime: '0001-01-01T00:00:00Z' }) });
  expect(await readText(zero)).toEqual(await readText(recorded()));
  const beyond = recorded({ event: event({ lastTimestamp: '9999-12-31T23:59:59Z' }) });
  expect(await readText(beyond)).toEqual(await readText(recorded({ event: event({ lastTimestamp: null }) })));
});
