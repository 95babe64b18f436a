/** The directory of owners as it is stored: small families together, grown ones each object under its own key, and the ways up. */
import { describe, expect, it } from 'vitest';
import {
  type Ask,
  climb,
  earlyKey,
  familyItems,
  isLargeFamily,
  type Remembered,
  readEarly,
  readFamily,
} from '../../../functions/correlator/owners.ts';
import { UnreadableBodyError } from '../../../functions/correlator/pack-body.ts';
import { familyPartition, type Place, splitKey } from '../../../functions/correlator/store.ts';
import { noon, startContext } from '../../support/start-context.ts';

const later = 10 ** 10;
const owner = { id: 'web', family: 'web' };
const podsOf = (first: number, count: number) => Array.from({ length: count }, (_, n) => `pod-${first + n}`);

interface Written {
  batch: string;
  ids: readonly string[];
  ownedBy?: Place;
  isLarge?: boolean;
  at?: number;
  expiresAt?: number;
}
const items = ({ batch, ids, ownedBy = owner, isLarge = false, at = noon, expiresAt = later }: Written) => {
  const objects = new Map(ids.map((id) => [id, { owner: ownedBy, by: batch }]));
  return familyItems('c1', 'web', { batch, objects, isLarge }, at, expiresAt);
};

/** What is known of these once that was written, and what it costs to know it. */
async function ask(written: readonly Written[], ...ids: string[]) {
  const { ports, store, calls } = startContext();
  await store.put(written.flatMap(items));
  const family = await readFamily(ports.store, 'c1', 'web', ids);
  return { ...family, known: ids.filter((id) => family.objects.has(id)), calls: calls.join() };
}

describe('a small family', () => {
  it('is written a batch at a time, and read together', async () => {
    const written = [
      { batch: 'a', ids: ['rs', ...podsOf(1, 3)] },
      { batch: 'b', ids: podsOf(4, 2) },
    ];
    expect(items(written[0]!)).toHaveLength(1);
    expect(await ask(written, 'rs', 'pod-5', 'nobody')).toMatchObject({
      known: ['rs', 'pod-5'],
      calls: 'list',
    });
  });

  it('nobody knows anything of', async () =>
    expect(await ask([], 'pod-1')).toMatchObject({ known: [], calls: 'list' }));

  it('from its eighth batch on is a grown one', async () => {
    const batches = (count: number) => podsOf(0, count).map((id) => ({ batch: id, ids: [id] }));
    expect(isLargeFamily((await ask(batches(7))).items)).toBe(false);
    expect(isLargeFamily((await ask(batches(8))).items)).toBe(true);
  });
});

describe('a grown family', () => {
  const first = podsOf(0, 8).map((id) => ({ batch: `b${id}`, ids: [id] }));
  const grown = [...first, { batch: 'next', ids: podsOf(8, 400), isLarge: true }];

  it('has its later objects each under a key of its own', () => {
    const keys = items(grown.at(-1)!).map(({ sk }) => sk);
    expect(new Set(keys).size).toBe(400);
    expect(
      new Set(items({ batch: 'again', ids: podsOf(8, 400), isLarge: true }).map(({ sk }) => sk)),
    ).toEqual(new Set(keys));
  });

  it('is not read whole: who looks for one reads the first items, and that one', async () => {
    const { known, objects, items: count, calls } = await ask(grown, 'pod-3', 'pod-300', 'nobody');
    expect(known).toEqual(['pod-3', 'pod-300']);
    expect(objects.size).toBeLessThan(20);
    expect([isLargeFamily(count), calls]).toEqual([true, 'list,read']);
  });

  it('costs one read where the first items tell all', async () =>
    expect((await ask(grown, 'pod-3')).calls).toBe('list'));

  it('of which a version before wrote all in batches is read whole, and under own keys what came since', async () => {
    const before = podsOf(0, 40).map((id) => ({ batch: `b${id}`, ids: [id] }));
    const { known, calls } = await ask(
      [...before, { batch: 'next', ids: ['pod-99'], isLarge: true }],
      'pod-39',
      'pod-99',
      'nobody',
    );
    expect([known, calls]).toEqual([['pod-39', 'pod-99'], 'list,list,read']);
  });
});

describe('several have told of one object', () => {
  const app = { id: 'app', family: 'app' };
  const both = [
    { batch: 'b', ids: ['rs'], at: noon, expiresAt: later },
    { batch: 'a', ids: ['rs'], at: noon + 1, ownedBy: app, expiresAt: later + 9 },
  ];
  it('the owner that was told first stays, and it is known for as long as any of them says', async () =>
    expect((await ask(both, 'rs')).objects.get('rs')).toEqual({
      known: { owner, by: 'b' },
      expiresAt: later + 9,
    }));
  it('at the same time: whoever reads it, decides the same', async () => {
    const atOnce = both.map((written) => ({ ...written, at: noon }));
    expect((await ask(atOnce, 'rs')).objects.get('rs')!.known.owner).toEqual(app);
    expect((await ask(atOnce.toReversed(), 'rs')).objects.get('rs')!.known.owner).toEqual(app);
  });
});

describe('what a later version wrote', () => {
  it('is said to be there, and all else of the family is known', async () => {
    const { ports, store } = startContext();
    const [later1] = items({ batch: 'later', ids: ['pod-1'] });
    await store.put([{ ...later1!, body: Uint8Array.of(255) }, ...items({ batch: 'now', ids: ['pod-2'] })]);
    const { objects, unreadable } = await readFamily(ports.store, 'c1', 'web', ['pod-1', 'pod-2']);
    expect([...objects.keys()]).toEqual(['pod-2']);
    expect(unreadable).toBeInstanceOf(UnreadableBodyError);
  });

  it('under a key of its own as well', async () => {
    const { ports, store } = startContext();
    const grown = podsOf(0, 16).map((id) => ({ batch: id, ids: [id] }));
    const [own] = items({ batch: 'later', ids: ['pod-99'], isLarge: true });
    await store.put([...grown.flatMap(items), { ...own!, body: Uint8Array.of(255) }]);
    const { objects, unreadable } = await readFamily(ports.store, 'c1', 'web', ['pod-99']);
    expect(objects.size).toBe(16);
    expect(unreadable).toBeInstanceOf(UnreadableBodyError);
  });
});

describe('marks of activities that began without their object', () => {
  const place = (id: string): Place => ({ id, family: 'web' });
  const found = async (marked: readonly string[], asked: readonly string[]) => {
    const { ports, store, calls } = startContext();
    await store.put(items({ batch: 'b', ids: asked }));
    await store.put(marked.map((id) => ({ ...earlyKey('c1', place(id)), expiresAt: later })));
    const early = await readEarly(ports.store, 'c1', asked.map(place));
    return { early: early.map(({ id }) => id), calls: calls.join() };
  };
  it('are found', async () =>
    expect(await found(['pod-1', 'pod-3'], podsOf(1, 3))).toEqual({
      early: ['pod-1', 'pod-3'],
      calls: 'list',
    }));
  it('are none, which costs one read', async () =>
    expect(await found([], podsOf(1, 3))).toEqual({ early: [], calls: 'list' }));
  it('are so many that each is asked for', async () =>
    expect(await found(podsOf(0, 40), ['pod-39', 'nobody'])).toEqual({
      early: ['pod-39'],
      calls: 'list,read',
    }));
  it('tell nothing of who is whose', async () => {
    const { ports, store } = startContext();
    await store.put(podsOf(0, 3).map((id) => ({ ...earlyKey('c1', place(id)), expiresAt: later })));
    expect((await readFamily(ports.store, 'c1', 'web', ['pod-1'])).objects.size).toBe(0);
  });
});

describe('the way up', () => {
  /** `pod: 'rs'`: its owner. Each object is of a family of its own name's first part: pod-1 of pod. */
  const familyOf = (id: string) => id.split('-')[0]!;
  const toPlace = (id: string): Place => ({ id, family: familyOf(id) });
  async function climbFrom(
    start: readonly string[],
    owners: Readonly<Record<string, string | undefined>>,
    { remembered = [] as string[], large = [] as string[] } = {},
  ) {
    const toKnown = (id: string): Remembered => {
      const ownedBy = owners[id];
      return {
        known: { ...(ownedBy !== undefined && { owner: toPlace(ownedBy) }), by: 'x' },
        expiresAt: later,
      };
    };
    const asked: string[] = [];
    const askFor: Ask = async (cluster, family, ids) => {
      asked.push(`${family}: ${ids}`);
      const isLarge = large.includes(family);
      const told = Object.keys(owners).filter((id) => familyOf(id) === family);
      const objects = new Map(
        told.filter((id) => !isLarge || ids.includes(id)).map((id) => [id, toKnown(id)]),
      );
      expect(cluster).toBe('c1');
      return { objects, items: isLarge ? 20 : 1 };
    };
    const world = new Map<string, Remembered>();
    const recall = (key: string) =>
      remembered.includes(key.slice('c1/'.length)) ? toKnown(key.slice('c1/'.length)) : undefined;
    await climb(new Map(start.map((id) => [`c1/${id}`, toPlace(id)])), world, recall, askFor);
    return { known: [...world.keys()].map((key) => splitKey(key)[1]).sort(), asked };
  }

  it('leads over as many owners as there are', async () =>
    expect(await climbFrom(['pod'], { pod: 'rs', rs: 'web', web: 'app', app: undefined })).toEqual({
      known: ['app', 'pod', 'rs', 'web'],
      asked: ['pod: pod', 'rs: rs', 'web: web', 'app: app'],
    }));

  it('ends at one whom nobody knows', async () =>
    expect((await climbFrom(['pod'], { pod: 'rs' })).asked).toEqual(['pod: pod', 'rs: rs']));

  it('asks for many of one family at once, and for a family read whole not again', async () =>
    expect(
      (await climbFrom(['web-1', 'web-2'], { 'web-1': 'web-rs', 'web-2': 'web-rs', 'web-rs': 'web' })).asked,
    ).toEqual(['web: web-1,web-2']));

  it('asks again for another of a grown family', async () =>
    expect(
      (await climbFrom(['web-1'], { 'web-1': 'web-rs', 'web-rs': undefined }, { large: ['web'] })).asked,
    ).toEqual(['web: web-1', 'web: web-rs']));

  it('asks for nobody whom it remembers', async () =>
    expect(
      await climbFrom(['pod'], { pod: 'rs', rs: 'web', web: undefined }, { remembered: ['pod', 'rs'] }),
    ).toEqual({ known: ['pod', 'rs', 'web'], asked: ['web: web'] }));

  it('of one that owns itself comes to an end', async () =>
    expect((await climbFrom(['pod'], { pod: 'pod' })).asked).toEqual(['pod: pod']));

  it('of a chain that bites its own tail comes to an end', async () =>
    expect((await climbFrom(['a'], { a: 'b', b: 'c', c: 'b' })).asked).toEqual(['a: a', 'b: b', 'c: c']));
});

describe('a key', () => {
  it('is a cluster, and an object’s id, which without a UID has slashes', () => {
    expect(splitKey('c1/uid')).toEqual(['c1', 'uid']);
    expect(splitKey('c1/Node//n1')).toEqual(['c1', 'Node//n1']);
  });
  it('of a family’s partition', () => expect(familyPartition('c1', 'web')).toBe('objects#c1/web'));
});
