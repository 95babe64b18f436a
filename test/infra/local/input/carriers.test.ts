/** What carries logs, and what a container wrote: whatever stands around an Event, it is the same Event. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { observeFile } from '../../../../infra/local/input/observe-file.ts';
import { skipContainerLogs } from '../../../../infra/local/input/skip-container-logs.ts';
import { checkProperty } from '../../../check-property.ts';

async function* chunksOf(...chunks: string[]) {
  yield* chunks;
}
const find = async (...lines: (object | string)[]) => {
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  return Array.fromAsync(observeFile('logs', chunksOf(text), { isNamed: true }));
};

const event = {
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: 'web-0.1', namespace: 'shop', uid: 'e1', creationTimestamp: '2026-05-12T09:00:00Z' },
  involvedObject: { kind: 'Pod', name: 'web-0', namespace: 'shop', uid: 'p1' },
  reason: 'Started',
  message: 'Started container app',
  lastTimestamp: '2026-05-12T09:00:00Z',
};
const line = JSON.stringify({ verb: 'ADDED', event });
const isTheEvent = [{ observation: { event: { uid: 'e1', reason: 'Started' } } }];

describe('an Event', () => {
  it.each([
    ['Google Cloud', { insertId: 'x', jsonPayload: event, resource: { type: 'k8s_cluster', labels: {} } }],
    ['Elasticsearch', { _index: 'events', _id: 'e1', _source: event }],
    ['Elasticsearch, of what Filebeat read', { _index: 'events', _source: { message: line, agent: {} } }],
    ['Splunk', { time: 1778576400.1, host: 'c1', sourcetype: 'kube:events', event }],
    ['Docker', { log: `${line}\n`, stream: 'stdout', time: '2026-05-12T09:00:02Z' }],
    ['Loki', { labels: { job: 'events' }, line: JSON.stringify(event), timestamp: '2026-05-12T09:00:02Z' }],
    [
      'CloudWatch',
      { timestamp: 1778576400000, ingestionTime: 1778576401000, message: JSON.stringify(event) },
    ],
    [
      'a collector',
      { body: { type: 'ADDED', object: event }, attributes: { 'k8s.resource.name': 'events' } },
    ],
  ])('as %s keeps it', async (_, kept) => {
    expect(await find(kept)).toMatchObject(isTheEvent);
    expect(await find([kept])).toMatchObject(isTheEvent);
  });

  it('in whatever field, as an object or as text', async () => {
    const field = fc
      .stringMatching(/^[a-z_]{1,12}$/)
      .filter((name) => !['kind', 'type', 'metadata', 'items'].includes(name));
    await checkProperty(
      fc.asyncProperty(field, fc.boolean(), fc.boolean(), async (name, isText, isWatched) => {
        const carried = isWatched ? { type: 'ADDED', object: event } : event;
        const found = await find({ at: 7, [name]: isText ? JSON.stringify(carried) : carried });
        expect(found).toMatchObject(isTheEvent);
      }),
    );
  });

  it('as a container wrote it, in one line or in several', async () => {
    const at = '2026-05-12T09:00:00.123456789Z';
    expect(
      await find(
        `${at} stderr F I0512 09:00:00 1 main.go:75] starting`,
        `${at} stdout P ${line.slice(0, 40)}`,
        `${at} stderr F {"level":"info"}`,
        `${at} stdout F ${line.slice(40)}`,
      ),
    ).toMatchObject(isTheEvent);
  });

  it('beside what else is in the log', async () => {
    const started = { log: 'I0512 09:00:00 1 main.go:75] starting\n', stream: 'stderr' };
    expect(await find(started, { log: line, stream: 'stdout' })).toMatchObject(isTheEvent);
  });
});

describe('is still no input', () => {
  it.each<[string, string | object]>([
    ['a log without one', { log: 'hello', stream: 'stdout' }],
    ['many of them', [{ log: 'hello', stream: 'stdout' }]],
    ['a container that says nothing of Kubernetes', '2026-05-12T09:00:00.1Z stdout F hello'],
  ])('%s', async (_, kept) => {
    await expect(find(kept)).rejects.toThrow(/^logs:1: logs of no Kubernetes object; export /);
  });

  it('anything else without a kind', async () => {
    await expect(find({ hello: 'world' })).rejects.toThrow(
      /^logs:1: no Kubernetes object \(kind is missing\)/,
    );
  });

  it('what stands deep in it', async () => {
    await expect(find({ a: { b: { c: event } } })).rejects.toThrow('kind is missing');
  });
});

describe('kubectl cluster-info dump', () => {
  const list = (name: string) =>
    `{\n  "kind": "PodList",\n  "items": [{"metadata": {"name": "${name}"}}]\n}\n`;
  const log = (text: string) =>
    `==== START logs for container app of pod shop/web-0 ====\n${text}==== END logs for container app of pod shop/web-0 ====\n`;
  const through = async (...chunks: string[]) =>
    (await Array.fromAsync(skipContainerLogs(chunksOf(...chunks)))).join('');

  it('is read without the logs, and what comes after them stands where it stands', async () => {
    const dump = `${list('a')}${log('hello {\nno end of line')}${list('b')}${log('')}${list('c')}`;
    const without = await through(dump);
    expect(without.replace(/\n+/g, '\n')).toBe(`${list('a')}${list('b')}${list('c')}`);
    const lineOf = (text: string) => text.slice(0, text.indexOf('"b"')).split('\n').length;
    expect(lineOf(without)).toBe(lineOf(dump));
  });

  it('in whatever chunks it comes', async () => {
    const dump = `${list('a')}${log('==== hello ====\n\n==== END logs for container x')}${list('b')}\n=== no mark`;
    const whole = await through(dump);
    const cuts = fc.array(fc.integer({ min: 0, max: dump.length }), { maxLength: 8 });
    await checkProperty(
      fc.asyncProperty(cuts, async (places) => {
        const at = [0, ...places.sort((a, b) => a - b), dump.length];
        expect(await through(...at.slice(1).map((end, i) => dump.slice(at[i], end)))).toBe(whole);
      }),
    );
  });
});
