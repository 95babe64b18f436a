/** The root of an activity as far as it is known now. */
import type { Observation } from '../../shared/observation.ts';
import type { Activity } from './activity.ts';
import { isOrphan, placeOf, rootOf, subjectId } from './file-observations.ts';
import type { Root } from './next-step.ts';
import type { World } from './owner-directory.ts';
import { climb, readFamily } from './owners.ts';
import { type Place, type Store, splitKey } from './store.ts';

/** @throws UnreadableBodyError */
export async function findRoot(
  store: Pick<Store, 'list' | 'read'>,
  { key, family }: Pick<Activity, 'key' | 'family'>,
  observations: readonly Observation[],
): Promise<Root> {
  const [cluster, id] = splitKey(key);
  const start: Place = { id, family: family ?? id };
  const told = observations.filter((observation) => subjectId(observation) === id);
  const said = told.flatMap((observation) => placeOf(observation) ?? []);
  // Who learns of an owner elsewhere finds what has begun without it, and has it merged; but of an orphan more may come after that,
  // from a function that remembers it as one.
  if (said.length > 0 && said.every(({ owner }) => owner === undefined) && !told.some(isOrphan))
    return { key, family: start.family, isKnown: true };
  const world: World = new Map();
  await climb(
    new Map([[key, start]]),
    world,
    () => undefined,
    async (of, name, ids) => {
      const read = await readFamily(store, of, name, ids);
      // The function that can read it will know; ingest files under the object until then.
      if (read.unreadable !== undefined && ids.some((some) => !read.objects.has(some))) throw read.unreadable;
      return read;
    },
  );
  const root = rootOf(start, (some) => world.get(`${cluster}/${some}`)?.known);
  return { key: `${cluster}/${root.id}`, family: root.family, isKnown: said.length > 0 || world.has(key) };
}
