/** What `npm ci` goes by. */
import { expect, it } from 'vitest';
import { readFromRoot } from '../../../infra/release/version-places.ts';

interface Locked {
  integrity?: string;
  inBundle?: boolean;
  libc?: string[];
}
const { packages } = JSON.parse(readFromRoot('package-lock.json')) as { packages: Record<string, Locked> };
const locked = Object.entries(packages).filter(([folder]) => folder !== '');

it('names the bytes of each package, also of those for other platforms', () => {
  const unnamed = locked.filter(([, { integrity, inBundle }]) => !integrity && !inBundle);
  expect(unnamed.map(([folder]) => folder)).toEqual([]);
});

it('says of each that is for musl that it is, or glibc gets it, too', () => {
  const forMusl = locked.filter(([folder]) => /-musl$/.test(folder));
  expect(forMusl.length).toBeGreaterThan(5);
  expect(forMusl.filter(([, { libc }]) => libc?.join() !== 'musl').map(([folder]) => folder)).toEqual([]);
});
