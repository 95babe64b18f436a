/**
 * `node infra/release/release-notes.ts VERSION IMAGE CHART`: what a release says of itself: its section of CHANGELOG.md, and the
 * image and the chart by their digests.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** What stands under `## VERSION`, a date behind it or none; undefined where that is nothing. */
export function notesOf(version: string, changelog: string): string | undefined {
  for (const section of changelog.split(/^## /m).slice(1)) {
    const [heading = '', ...lines] = section.split('\n');
    const text = lines.join('\n').trim();
    if (heading.split(' ')[0] === version && text !== '') return text;
  }
  return undefined;
}

/** @param image, chart `REPOSITORY@sha256:…` */
export function releaseNotes(version: string, changelog: string, image: string, chart: string): string {
  const notes = notesOf(version, changelog);
  if (notes === undefined) throw new Error(`CHANGELOG.md: nothing under "## ${version}"`);
  const digest = image.slice(image.indexOf('@') + 1);
  return (
    `${notes}\n\n## What was published\n\n` +
    `* the package \`rootspan@${version}\`\n` +
    `* the chart \`${chart}\`\n` +
    `* the image \`${image}\`; \`--set image.digest=${digest}\` pins it\n`
  );
}

if (import.meta.main) {
  const [version = '', image = '', chart = ''] = process.argv.slice(2);
  const changelog = readFileSync(resolve(import.meta.dirname, '../../CHANGELOG.md'), 'utf8');
  process.stdout.write(releaseNotes(version, changelog, image, chart));
}
