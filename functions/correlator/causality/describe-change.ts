/**
 * What a change changed, by what its object's spec said before and after it: a sentence, the paths, the images. Of sections that
 * ship as digests only that they changed.
 */
import type { SpecDescription } from '../../../shared/observation.ts';
import type { Attributes } from '../../../shared/span.ts';
import type { Change } from './change.ts';
import { type Difference, differencesOf } from './compare-specs.ts';
import { tellHelm } from './find-helm-chart.ts';
import { containerIn, describeImage, isImage, nameImage, tellDifferences } from './tell-differences.ts';

/** Fewer: a large change cannot be searched by its paths. More: backends cut or refuse longer arrays and texts. */
const mostPaths = 64;
const mostImages = 32;
const longestSummary = 500;

/** On the root of a change. Nothing where nobody knows what it was before. */
export function addDescription(attributes: Attributes, change: Change): void {
  const { restores, type, verb, generation } = change;
  if (restores !== undefined) attributes['rootspan.change.rollback_to'] = restores.number;
  const spec = specAfter(change);
  if (type === 'deletion') {
    addSummary(attributes, [`deleted${listed(', had ', headline(spec))}`]);
  } else if (type === 'sync') {
    addSync(attributes, change);
  } else if (generation === 1 || verb === 'Create' || verb === 'Run') {
    const did = verb === 'Run' ? 'started' : 'created';
    addSummary(attributes, [`${did}${listed(' with ', [...headline(spec), ...tellHelm(change)])}`]);
    addImages(attributes, imagesOf(spec));
  } else addDifferences(attributes, change);
}

function addDifferences(attributes: Attributes, change: Change): void {
  const differences = differencesOf(change);
  const said = differences.length > 0 ? tellDifferences(differences) : tellReplicas(change);
  addSummary(attributes, [...saidOf(change, said), ...tellHelm(change)]);
  const paths = differences.length > 0 ? pathsOf(differences) : said.length > 0 ? ['spec.replicas'] : [];
  if (paths.length > 0) attributes['rootspan.change.fields'] = paths.slice(0, mostPaths);
  addImages(
    attributes,
    differences.filter(isImage).flatMap(({ after }) => (after === undefined ? [] : String(after))),
  );
}

/** Of the version that it wrote; of a deletion the last one. */
function specAfter({ object: { history }, version }: Change): SpecDescription | undefined {
  return version && history?.specs.get(version.object.generation);
}

/** How it reads as one sentence: what it was by its verb first. */
function saidOf({ verb, restores }: Change, said: readonly string[]): string[] {
  if (restores !== undefined)
    return [
      `rolled back to ${restores.type} ${restores.number}${listed(': ', said.slice(0, 1))}`,
      ...said.slice(1),
    ];
  return verb === 'Restart' ? ['restarted', ...said] : [...said];
}

/** Of a forwarder that does not tell specs yet, the number of pods is known all the same. */
function tellReplicas({ before, version, verb }: Change): string[] {
  const [old, now] = [before?.object.replicas, version?.object.replicas];
  if (now === undefined || old === now) return [];
  if (old === undefined) return before === undefined && verb === 'Scale' ? [`replicas ${now}`] : [];
  return [`replicas ${old} → ${now}`];
}

const pathsOf = (differences: readonly Difference[]): string[] => differences.map(({ path }) => path);

/** What one wants to know of something whole: its images, how many, how often. */
function headline(spec: SpecDescription | undefined): string[] {
  if (spec === undefined) return [];
  const told: string[] = [];
  for (const [path, value] of Object.entries(spec.values)) {
    const container = containerIn(path);
    if (container?.field === 'image') told.push(`image ${container.name} ${describeImage(String(value))}`);
  }
  for (const name of headlines) {
    const value = spec.values[`spec.${name}`];
    if (value === undefined || value === false || (value === 1 && isOneByDefault.has(name))) continue;
    told.push(value === true ? name : `${name} ${value}`);
  }
  return told;
}

const headlines = [
  'replicas',
  'minReplicas',
  'maxReplicas',
  'schedule',
  'completions',
  'parallelism',
  'suspend',
  'paused',
];

const isOneByDefault: ReadonlySet<string> = new Set(['completions', 'parallelism']);

const imagesOf = (spec: SpecDescription | undefined): string[] =>
  Object.entries(spec?.values ?? {}).flatMap(([path, value]) => (isImage({ path }) ? String(value) : []));

/** Names: https://opentelemetry.io/docs/specs/semconv/registry/attributes/container/ */
function addImages(attributes: Attributes, images: readonly string[]): void {
  if (images.length === 0) return;
  attributes['rootspan.change.images'] = [...new Set(images)].sort().slice(0, mostImages);
  if (images.length > 1) return;
  const { name, tag } = nameImage(images[0]!);
  attributes['container.image.name'] = name;
  if (tag !== undefined) attributes['container.image.tags'] = [tag];
}

function addSync(attributes: Attributes, { sync }: Change): void {
  const revision = sync?.revision;
  if (revision === undefined) return;
  const at = revision.name === undefined ? '' : `${revision.name}@`;
  addSummary(attributes, [`synced ${at}${revision.revision}`]);
}

const listed = (before: string, parts: readonly string[]): string =>
  parts.length === 0 ? '' : before + parts.join(', ');

/** As many parts as there is room for, and how many more there are. */
function addSummary(attributes: Attributes, parts: readonly string[]): void {
  const fit: string[] = [];
  let length = 0;
  for (const part of parts) {
    length += part.length + 2;
    if (length > longestSummary) break;
    fit.push(part);
  }
  if (fit.length === 0 && parts.length > 0) fit.push(`${parts[0]!.slice(0, longestSummary)}…`);
  const left = parts.length - fit.length;
  if (fit.length > 0)
    attributes['rootspan.change.summary'] = fit.join(', ') + (left > 0 ? ` and ${left} more` : '');
}
