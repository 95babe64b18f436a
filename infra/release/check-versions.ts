/**
 * `node infra/release/check-versions.ts TAG`: whether a tag may be released. package.json is where the version is said; the tag,
 * CHANGELOG.md and each place of version-places.ts have to agree with it.
 */
import { rootspanVersion } from '../local/version.ts';
import { notesOf } from './release-notes.ts';
import { readFromRoot, versionPlaces } from './version-places.ts';

/** A line for each place that says another version, or none any more. */
export function wrongPlaces(version: string, read: (file: string) => string): string[] {
  return versionPlaces.flatMap(({ file, what, said }) => {
    const found = read(file).match(said) ?? ['of no version'];
    const others = new Set(found.filter((one) => one !== version));
    return [...others].map((other) => `${file}: ${what} is ${other}, not ${version}`);
  });
}

/**
 * A line for each thing that keeps a version from being released.
 * @param tag `v1.2.3`
 * @param version what package.json says
 */
export function wrongVersions(tag: string, version: string, read: (file: string) => string): string[] {
  const wrong: string[] = [];
  const isVersion = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/.test(version);
  if (!isVersion) wrong.push(`package.json: ${version} is no version`);
  if (tag !== `v${version}`)
    wrong.push(`the tag is ${tag}, package.json says ${version}: it should be v${version}`);
  wrong.push(...wrongPlaces(version, read));
  if (notesOf(version, read('CHANGELOG.md')) === undefined)
    wrong.push(`CHANGELOG.md: nothing under "## ${version}"`);
  return wrong;
}

if (import.meta.main) {
  const wrong = wrongVersions(process.argv[2] ?? '', rootspanVersion(), readFromRoot);
  for (const line of wrong) console.error(line);
  if (wrong.length > 0) process.exitCode = 1;
}
