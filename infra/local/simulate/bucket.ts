/** The bucket of what is set aside: the same payload twice is kept once. */
import type { Poison, SetAside } from '../../../shared/set-aside.ts';
import type { Instance, World } from './function.ts';

export interface Bucket {
  of(instance: Instance): SetAside;
  /** What the stream's event source could not get rid of; Lambda writes it by itself. */
  keep(poison: Poison): void;
  kept(): readonly Poison[];
  /** Everything, which is gone with that. */
  takeOut(): readonly Poison[];
}

export function createBucket({ account }: World): Bucket {
  const objects = new Map<string, Poison>();
  const keep = (poison: Poison) => {
    account.services.bucket.bytes += poison.payload.length;
    objects.set(poison.payload, poison);
    account.setAside = objects.size;
  };
  return {
    of: (instance) => ({
      keep: (poison) =>
        instance.call(
          { service: 'bucket', name: 'PutObject', refusal: () => new Error('S3: SlowDown') },
          (take) => take([poison]).forEach(keep),
        ),
    }),
    keep,
    kept: () => [...objects.values()],
    takeOut() {
      const all = [...objects.values()];
      objects.clear();
      account.setAside = 0;
      return all;
    },
  };
}
