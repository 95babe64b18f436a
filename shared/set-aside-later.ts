/**
 * Poison is rare: the S3 client, a quarter of a function's code, is set up with the first of it and not with each cold
 * start.
 */
import type { SetAside } from './set-aside.ts';
import type { SetAsideSettings } from './set-aside-s3.ts';

export function createLaterSetAside(settings: SetAsideSettings): SetAside {
  let made: Promise<SetAside> | undefined;
  return {
    async keep(poison) {
      made ??= import('./set-aside-s3.ts').then(({ connectSetAside }) => connectSetAside(settings));
      await (await made).keep(poison);
    },
  };
}
