import { expect, it } from 'vitest';
import { rootspanVersion } from '../../../infra/local/version.ts';
import { wrongPlaces, wrongVersions } from '../../../infra/release/check-versions.ts';
import { readFromRoot, versionPlaces, writeVersion } from '../../../infra/release/version-places.ts';

/** This checkout as `npm version` leaves it, with one file that is otherwise. */
const checkout = (version: string, other: Record<string, string> = {}) => {
  const changelog = `# Changes\n\n## Unreleased\n\n* later\n\n## ${version} · 2026-12-01\n\n* now\n`;
  return (file: string): string =>
    other[file] ?? (file === 'CHANGELOG.md' ? changelog : written(file, version));
};

const written = (file: string, version: string) => writeVersion(file, readFromRoot(file), version);

it('every place of this checkout says the version of package.json', () => {
  expect(wrongPlaces(rootspanVersion(), readFromRoot)).toEqual([]);
});

it.each(['1.2.3', '2.0.0-rc.1'])('a tag that all agree with may be released: %s', (version) => {
  expect(wrongVersions(`v${version}`, version, checkout(version))).toEqual([]);
});

it.each([...new Set(versionPlaces.map(({ file }) => file))])(
  '%s: a release follows its candidate',
  (file) => {
    const text = written(file, '2.0.0-rc.1');
    expect(writeVersion(file, text, '2.0.0')).toBe(written(file, '2.0.0'));
  },
);

it.each(versionPlaces.map((place) => [place.file, place.what, place]))(
  '%s: %s of another version, or of none, is found',
  (file, what, { said }) => {
    const right = checkout('1.2.3')(file);
    // Each of them by itself, where a file says it more than once.
    const places = [...right.matchAll(said)];
    expect(places.length).toBeGreaterThan(0);
    for (const { index } of places) {
      const wrong = `${right.slice(0, index)}1.2.2${right.slice(index + '1.2.3'.length)}`;
      expect(wrongPlaces('1.2.3', checkout('1.2.3', { [file]: wrong }))).toEqual([
        `${file}: ${what} is 1.2.2, not 1.2.3`,
      ]);
    }
    const without = right.replace(said, 'VERSION');
    expect(wrongPlaces('1.2.3', checkout('1.2.3', { [file]: without }))).toEqual([
      `${file}: ${what} is of no version, not 1.2.3`,
    ]);
  },
);

it.each([
  ['1.2.3', {}, 'the tag is 1.2.3, package.json says 1.2.3: it should be v1.2.3'],
  ['v1.2.3', { 'CHANGELOG.md': '## Unreleased\n\n* now\n' }, 'CHANGELOG.md: nothing under "## 1.2.3"'],
  [
    'v1.2.3',
    { 'CHANGELOG.md': '## 1.2.3\n\n## 1.2.2\n\n* then\n' },
    'CHANGELOG.md: nothing under "## 1.2.3"',
  ],
  ['v1.2.3', { 'CHANGELOG.md': '## 1.2.30\n\n* another\n' }, 'CHANGELOG.md: nothing under "## 1.2.3"'],
])('%s with %j may not', (tag, other, line) => {
  expect(wrongVersions(tag, '1.2.3', checkout('1.2.3', other))).toEqual([line]);
});
