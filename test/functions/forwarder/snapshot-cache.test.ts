import { describe, expect, it } from 'vitest';
import { createSnapshotCache, lineOf } from '../../../functions/forwarder/snapshot-cache.ts';
import { type ObjectSnapshot, parseObservation } from '../../../shared/observation.ts';

const snapshot = (
  name: string,
  over: Partial<ObjectSnapshot['object']> = {},
  deleted = false,
): ObjectSnapshot => ({
  type: 'object',
  observedAt: '2026-03-01T12:00:00.123Z',
  deleted,
  object: { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name, uid: `uid of ${name}`, ...over },
});
const changed = { type: 'changed', resource: 'pods' } as const;
const lookedUp = { type: 'looked-up' } as const;

describe('a snapshot', () => {
  it('goes on the wire as it was observed', () => {
    const cache = createSnapshotCache(() => 0);
    const pod = snapshot('web "0"', { resourceVersion: '7', owner: { kind: 'X', name: 'ö', uid: 'x' } });
    const line = JSON.parse(lineOf(cache.see(pod, changed).known, true));
    expect(line).toEqual(pod);
    expect(parseObservation(line).ok).toBe(true);
    const versionless = snapshot('web');
    expect(JSON.parse(lineOf(cache.see(versionless, changed).known, true))).toEqual(versionless);
  });

  it('of a recreated object takes over the name, also when the end of the first comes late', () => {
    const cache = createSnapshotCache(() => 0);
    cache.see(snapshot('web', { uid: 'first' }), changed);
    cache.see(snapshot('web', { uid: 'second' }), changed);
    cache.see(snapshot('web', { uid: 'first' }, true), changed);
    const named = { kind: 'Pod', namespace: 'shop', name: 'web' };
    expect(cache.find(named)?.uid).toBe('second');
    expect(cache.find({ ...named, uid: 'first' })?.deleted).toBe(true);
    expect(cache.find({ ...named, uid: 'third' })).toBeUndefined();
  });

  it('of an object that is gone is kept for some minutes', () => {
    let now = 0;
    const cache = createSnapshotCache(() => now, { keepDeleted: 600_000, lookedUp: 1_000 });
    cache.see(snapshot('web'), changed);
    cache.see(snapshot('web', {}, true), changed);
    now = 599_000;
    cache.forgetDeleted(now);
    expect(cache.size()).toBe(1);
    now = 600_000;
    cache.forgetDeleted(now);
    expect(cache.size()).toBe(0);
  });

  it('of an object that is gone is, once shipped, only who it was and whose', () => {
    const cache = createSnapshotCache(() => 0);
    const owner = { kind: 'ReplicaSet', name: 'web-1', uid: 'uid of web-1' };
    const status = { phase: 'Running' };
    cache.see(snapshot('web', { owner, status }), changed);
    const { known } = cache.see(snapshot('web', { owner, status }, true), changed);
    cache.shipped(known, 5, true);
    const kept = cache.byUid('uid of web')!;
    expect(kept).toMatchObject({ deleted: true, ownerUid: 'uid of web-1', shippedAt: 5, specShippedAt: 5 });
    const line = JSON.parse(lineOf(kept, true));
    expect(line.object).toEqual(snapshot('web', { owner }).object);
    expect(parseObservation(line).ok).toBe(true);
    const again = cache.see(snapshot('web', { owner, status }), changed);
    expect(again.news).toBe(true);
    cache.shipped(again.known, 6, true);
    expect(cache.byUid('uid of web')).toBe(again.known);
  });

  it('that was looked up goes when there is no room, those asked for longest ago first; watched ones stay', () => {
    const cache = createSnapshotCache(() => 0, { keepDeleted: 0, lookedUp: 1_000 });
    cache.see(snapshot('watched'), changed);
    for (const name of ['a', 'b']) cache.see(snapshot(name), lookedUp);
    cache.find({ kind: 'Pod', name: 'a', uid: 'uid of a' });
    cache.see(snapshot('c'), lookedUp);
    const known = ['watched', 'a', 'b', 'c'].filter((name) => cache.byUid(`uid of ${name}`) !== undefined);
    expect(known).toEqual(['watched', 'a', 'c']);
  });

  it('that was looked up stays once its kind is watched, and a later answer does not take it back', () => {
    const cache = createSnapshotCache(() => 0, { keepDeleted: 0, lookedUp: 1_000 });
    cache.see(snapshot('a', { resourceVersion: '7' }), lookedUp);
    cache.see(snapshot('a', { resourceVersion: '8' }), { type: 'listed', resource: 'pods' });
    expect(cache.see(snapshot('a', { resourceVersion: '7' }), lookedUp)).toMatchObject({
      news: false,
      known: { version: '8', resource: 'pods' },
    });
    for (const name of ['b', 'c', 'd', 'e']) cache.see(snapshot(name), lookedUp);
    expect(cache.byUid('uid of a')?.version).toBe('8');
  });
});

describe('how a version was found', () => {
  const listed = { type: 'listed', resource: 'pods' } as const;
  const v = (resourceVersion: string, over: Partial<ObjectSnapshot['object']> = {}) =>
    snapshot('web', { resourceVersion, ...over });
  const found = (from: ObjectSnapshot['from'], seen: ObjectSnapshot) => ({ ...seen, from });

  it('goes on the wire, and is no news', () => {
    const cache = createSnapshotCache(() => 0);
    const first = found('list', v('7'));
    expect(JSON.parse(lineOf(cache.see(first, listed).known, true))).toEqual(first);
    expect(cache.see(v('8'), changed)).toMatchObject({ news: false, known: { from: 'list', version: '8' } });
    const { known, news } = cache.see(v('9', { nodeName: 'n1' }), changed);
    expect(news).toBe(true);
    expect(JSON.parse(lineOf(known, true))).toEqual(v('9', { nodeName: 'n1' }));
  });

  it('is by a watch that told it, whatever list repeats it', () => {
    const cache = createSnapshotCache(() => 0);
    cache.see(v('7'), changed);
    expect(cache.see(found('list', v('7')), listed).known.from).toBeUndefined();
    expect(cache.see(found('list', v('8')), listed).known.from).toBe('list');
  });

  it('is of an end: by the watch that told it, or by the list that it was missing from', () => {
    const cache = createSnapshotCache(() => 0);
    cache.see(found('list', v('7')), listed);
    expect(cache.see({ ...v('8'), deleted: true }, changed).known.from).toBeUndefined();
    cache.see(v('9'), changed);
    cache.startListing('pods');
    expect(cache.vanished('pods', '2026-03-01T13:00:00Z')).toMatchObject([{ from: 'list' }]);
  });
});

describe('a list', () => {
  it('tells what is gone: what was known, changed since or not, and is not in it', () => {
    const cache = createSnapshotCache(() => 0);
    const list = (...names: string[]) => {
      cache.startListing('pods');
      for (const name of names) cache.see(snapshot(name), { type: 'listed', resource: 'pods' });
      return cache.vanished('pods', '2026-03-01T13:00:00Z').map(({ key, deleted }) => `${key} ${deleted}`);
    };
    cache.see(snapshot('of another kind', { kind: 'Node' }), { type: 'changed', resource: 'nodes' });
    expect(list('a', 'b')).toEqual([]);
    cache.see(snapshot('b', { nodeName: 'n1' }), changed);
    cache.see(snapshot('c'), changed);
    expect(list('a')).toEqual(['Pod/shop/b true', 'Pod/shop/c true']);
    expect(list('a')).toEqual([]);
  });

  it('that is begun again does not count what was listed before', () => {
    const cache = createSnapshotCache(() => 0);
    cache.see(snapshot('a'), changed);
    cache.startListing('pods');
    cache.see(snapshot('a'), { type: 'listed', resource: 'pods' });
    cache.startListing('pods');
    expect(cache.vanished('pods', '2026-03-01T13:00:00Z')).toHaveLength(1);
  });
});
