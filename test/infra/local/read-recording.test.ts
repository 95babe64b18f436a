import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readObservations } from '../../../infra/local/read-recording.ts';
import { UserError } from '../../../shared/errors.ts';
import type { Observation } from '../../../shared/observation.ts';
import { readRecording, recordingPath } from '../../read-recordings.ts';

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
  message: 'Stopping "app"\n}]',
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

  it('an empty List is no observation', async () => {
    expect(await readText(JSON.stringify(listOf([])))).toEqual([]);
    expect(await readText('apiVersion: v1\nitems: []\nkind: List\n')).toEqual([]);
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

it('nothing at all is no observation', async () => {
  expect(await readText('')).toEqual([]);
  expect(await readText('\n\n')).toEqual([]);
});

describe('bad input is told with file and line', () => {
  it.each([
    ['not text', 'hello world', 'standard input:1: neither JSON nor YAML'],
    ['a line cut off', `${recorded()}\n${recorded().slice(0, 40)}`, 'standard input:2: not JSON, or cut off'],
    ['a line without a type', `${recorded()}\n{"a":1}`, 'standard input:2: no "type"'],
    [
      'an Event without a UID',
      recorded({ event: event({ metadata: { name: 'x' } }) }),
      'standard input:1: event event.uid is missing',
    ],
    [
      'an Event about nothing',
      recorded({ event: event({ involvedObject: null }) }),
      'standard input:1: event event.subject.kind',
    ],
    [
      'a wrong count',
      recorded({ event: event({ count: 'two' }) }),
      'standard input:1: event event.count should be number, is string',
    ],
    [
      'no time of arrival',
      recorded({ receivedAt: 'today' }),
      'standard input:1: "receivedAt" is not an RFC 3339 time',
    ],
    [
      'an object without a kind',
      '{"type":"object","at":"2026-03-01T12:00:00Z","object":{}}',
      'standard input:1: object ',
    ],
    [
      'a List cut off',
      JSON.stringify({ kind: 'List', items: [event(), pod] }, null, 1).slice(0, -9),
      'ends in the middle',
    ],
    ['broken YAML', 'apiVersion: v1\nkind: Event\nmetadata:\n  name: [a\n', 'not YAML'],
  ])('%s', async (_, text, message) => {
    expect(await complaint(text)).toContain(message);
    expect(await complaint(text)).not.toContain('\n');
  });

  it('a file that is not there, a directory, and a file that is not text', async () => {
    const read = (file: string) => Array.fromAsync(readObservations([file], { baseDirectory: directory }));
    await expect(read('nowhere.jsonl')).rejects.toThrow('nowhere.jsonl: no such file');
    await expect(read('.')).rejects.toThrow('is a directory');
    writeFileSync(join(directory, 'binary'), Buffer.from([0x7b, 0xff, 0xfe, 0x00]));
    await expect(read('binary')).rejects.toThrow('binary: is not UTF-8 text');
    expect(recordingPath('x')).toMatch(/recordings/);
  });
});
