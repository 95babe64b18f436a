/** Files and folders of several clusters, as a user names them. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { explainClusters } from '../../../infra/local/explain.ts';
import { listSources } from '../../../infra/local/input/list-sources.ts';
import { findClusters, readClusters } from '../../../infra/local/read-clusters.ts';
import { checkProperty } from '../../check-property.ts';

const root = mkdtempSync(join(tmpdir(), 'rootspan-clusters-'));
afterAll(() => rmSync(root, { recursive: true }));

let cases = 0;
/** A directory with these files: text as it is, anything else a JSON document a line. */
function folder(files: Record<string, string | Buffer | readonly object[]>): string {
  const directory = join(root, String(cases++));
  mkdirSync(directory);
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    const isText = typeof content === 'string' || Buffer.isBuffer(content);
    writeFileSync(path, isText ? content : content.map((each) => JSON.stringify(each)).join('\n'));
  }
  return directory;
}

const read = async (directory: string, paths: readonly string[], notes: string[] = []) =>
  readClusters(await listSources(paths, { baseDirectory: directory }), (note) => notes.push(note));

/** `<UID or name of the cluster>: <reasons of its Events>`, whatever the order. */
const told = async (directory: string, paths: readonly string[]): Promise<string[]> =>
  (await read(directory, paths))
    .map(({ cluster, observations }) => {
      const reasons = observations.flatMap((each) => (each.type === 'event' ? [each.event.reason] : []));
      return `${cluster.uid ?? cluster.name ?? '?'}: ${[...new Set(reasons)].sort().join(' ')}`;
    })
    .sort();

const object = (kind: string, name: string, uid: string, owner?: string) => ({
  apiVersion: 'v1',
  kind,
  metadata: {
    name,
    uid,
    creationTimestamp: '2024-09-17T08:00:00Z',
    ...(owner !== undefined && { ownerReferences: [{ kind: 'Node', name: 'x', uid: owner }] }),
  },
});
const system = (uid: string) => object('Namespace', 'kube-system', uid);
const event = (reason: string, uid: string, name = 'web') => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: `${name}.${reason}`, uid: `event-${reason}`, creationTimestamp: '2024-09-17T08:00:01Z' },
  involvedObject: { kind: 'Pod', name, uid },
  reason,
  lastTimestamp: '2024-09-17T08:00:01Z',
});

describe('files of several clusters keep each its own', () => {
  it('by the UID of namespace kube-system', async () => {
    const files = {
      a: [system('A'), event('One', 'p1')],
      b: [system('B'), event('Two', 'p2')],
      a2: [system('A')],
    };
    const expected = ['A: One', 'B: Two'];
    expect(await told(folder(files), ['a', 'b', 'a2'])).toEqual(expected);
    expect(await told(folder(files), ['b', 'a2', 'a'])).toEqual(expected);
  });

  it('by the objects that they tell of, whichever tells whose they are', async () => {
    const directory = folder({
      a: [system('A'), object('Pod', 'web', 'p1')],
      b: [system('B'), object('Pod', 'web', 'p2')],
      later: [event('Two', 'p2')],
      owned: [object('Pod', 'web', 'p3', 'p2'), event('Three', 'p3')],
      others: [event('Four', 'p4')],
      again: [event('Four', 'p4'), event('Five', 'p5')],
      alone: [event('Six', 'p6')],
    });
    expect(await told(directory, ['alone', 'owned', 'again', 'later', 'a', 'others', 'b'])).toEqual([
      '?: Five Four',
      '?: Six',
      'A: ',
      'B: Three Two',
    ]);
  });

  it('not by what is equal in many clusters: a Node’s name in place of its UID, a static pod’s hash', async () => {
    const hash = '0123456789abcdef0123456789abcdef';
    const directory = folder({
      a: [system('A'), event('One', 'node-1', 'node-1'), event('Two', hash)],
      b: [event('Three', 'node-1', 'node-1'), event('Four', hash)],
    });
    expect(await told(directory, ['a', 'b'])).toEqual(['?: Four Three', 'A: One Two']);
  });

  it('by what a collector says beside them', async () => {
    const collected = (cluster: Record<string, string>, ...objects: object[]) => ({
      resourceLogs: [
        {
          resource: {
            attributes: Object.entries(cluster).map(([key, value]) => ({
              key: `k8s.cluster.${key}`,
              value: { stringValue: value },
            })),
          },
          scopeLogs: [
            { logRecords: objects.map((each) => ({ body: { stringValue: JSON.stringify(each) } })) },
          ],
        },
      ],
    });
    const directory = folder({
      logs: [
        collected({ name: 'prod' }, event('One', 'p1')),
        collected({ name: 'stage' }, event('Two', 'p2')),
        collected({ name: 'edge', uid: 'E' }, event('Three', 'p3')),
        collected({ name: 'edge' }, event('Four', 'p4')),
      ],
      more: [collected({ name: 'stage' }, event('Five', 'p5'))],
      dump: [system('A'), object('Pod', 'web', 'p1')],
    });
    // The dump tells the UID of what the collector calls prod: both tell of one pod.
    const expected = ['A: One', 'E: Four Three', 'stage: Five Two'];
    expect(await told(directory, ['logs', 'more', 'dump'])).toEqual(expected);
    expect(await told(directory, ['dump', 'more', 'logs'])).toEqual(expected);
    const [a] = (await read(directory, ['logs', 'dump'])).filter(({ cluster }) => cluster.uid === 'A');
    expect(a!.cluster).toEqual({ uid: 'A', name: 'prod' });
  });

  it('one file of two clusters is of none of them', async () => {
    const directory = folder({ both: [system('A'), event('One', 'p1'), system('B'), event('Two', 'p2')] });
    expect(await told(directory, ['both'])).toEqual(['?: One Two']);
  });
});

describe('a folder', () => {
  it('is one cluster, though its files share nothing', async () => {
    const files = { 'x/events.json': [event('One', 'p1')], 'y/z/events.json': [event('Two', 'p2')] };
    expect(await told(folder(files), ['.'])).toEqual(['?: One Two']);
    expect(await told(folder({ ...files, 'namespaces.json': [system('A')] }), ['.'])).toEqual(['A: One Two']);
  });

  it('of several clusters: each file is of the cluster of the nearest folder that tells one', async () => {
    const directory = folder({
      'a/namespaces.json': [system('A')],
      'a/deep/events.json': [event('One', 'p1')],
      'b/namespaces.json': [system('B')],
      'b/events.json': [event('Two', 'p2')],
      'c/x.json': [event('Three', 'p3')],
      'c/y.json': [event('Four', 'p4')],
      'loose.json': [event('Five', 'p5')],
    });
    expect(await told(directory, ['.'])).toEqual(['?: Five', '?: Four Three', 'A: One', 'B: Two']);
  });

  it('is read as far as it is of Kubernetes, in the order of names; how much is not is said', async () => {
    const directory = folder({
      'dump/b.log': '2024-09-17T08:00:00Z hello\n',
      'dump/a/version': 'v1.30\n',
      'dump/a/config.yaml': 'hello: world\n',
      'dump/a/events.jsonl.gz': gzipSync(JSON.stringify(event('One', 'p1'))),
      'dump/c.yaml': `apiVersion: v1\nkind: List\nitems:\n- ${JSON.stringify(event('Two', 'p2'))}\n`,
      'dump/d.json': `${JSON.stringify(event('Three', 'p3'))}\n{"kind":`,
      'dump/empty.json': '',
    });
    symlinkSync(directory, join(directory, 'dump/around'));
    symlinkSync(join(directory, 'dump/c.yaml'), join(directory, 'dump/link.yaml'));
    const notes: string[] = [];
    const [cluster] = await read(directory, ['dump'], notes);
    expect(cluster!.observations).toMatchObject(
      ['One', 'Two', 'Three', 'Two'].map((reason) => ({ event: { reason } })),
    );
    expect(notes).toEqual([
      'dump/d.json:2: the JSON ends in the middle; is the file cut? (what stands before that is read, the rest of the file is not)',
      `dump: 3 of 8 files skipped, for they hold nothing of Kubernetes`,
    ]);
  });

  it('with nothing of Kubernetes, or nothing at all, is an error; so is a file in it that is named', async () => {
    const directory = folder({ 'x/readme': 'hello world' });
    mkdirSync(join(directory, 'y'));
    await expect(read(directory, ['x'])).rejects.toThrow(/^x: nothing of Kubernetes in its 1 files; /);
    await expect(read(directory, ['y'])).rejects.toThrow(
      'y: no file in it; name a folder of recordings or dumps',
    );
    await expect(read(directory, ['x/readme'])).rejects.toThrow('x/readme:1: neither JSON nor YAML');
  });
});

it('a second reading finds for each cluster what the first found', async () => {
  const directory = folder({
    a: [system('A'), event('One', 'p1')],
    b: [system('B'), event('Two', 'p2')],
    c: [event('Three', 'p2'), event('Four', 'p3')],
  });
  const clusters = await findClusters(
    await listSources(['c', 'a', 'b'], { baseDirectory: directory }),
    () => {},
  );
  const again = await Promise.all(
    clusters.map(async (each) => ({
      cluster: each.cluster,
      observations: await Array.fromAsync(each.read()),
    })),
  );
  expect(again).toEqual(await read(directory, ['c', 'a', 'b']));
});

it('the traces of several files do not depend on the order in which they are named', async () => {
  const uid = fc.constantFrom('p1', 'p2', 'p3', 'p4', 'p5', 'p6');
  const line = fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom('A', 'B').map(system) },
    { weight: 3, arbitrary: uid.map((each) => object('Pod', each, each)) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(fc.constantFrom('Killing', 'Pulled', 'Failed'), uid)
        .map(([reason, each]) => event(reason, each, each)),
    },
  );
  const contents = fc.array(fc.array(line, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 });
  const shuffled = contents.chain((files) => {
    const names = files.map((_, i) => (i % 2 === 0 ? `f${i}` : `d/f${i}`));
    return fc.tuple(
      fc.constant(files),
      fc.constant(names),
      fc.shuffledSubarray(names, { minLength: names.length }),
    );
  });
  await checkProperty(
    fc.asyncProperty(shuffled, async ([files, names, otherNames]) => {
      const directory = folder(Object.fromEntries(files.map((content, i) => [names[i]!, content])));
      const spans = explainClusters(await read(directory, names));
      expect(JSON.stringify(explainClusters(await read(directory, otherNames)))).toBe(JSON.stringify(spans));
    }),
  );
});
