/** Differences of a spec in words: "image app tiny:v1 → tiny:v2", "env of container app changed". */
import type { Difference } from './compare-specs.ts';

/** A container in the path of a section, and what of it. */
interface InContainer {
  /** The container's own path. */
  path: string;
  name: string;
  isInit: boolean;
  /** `''`: of what has no name of its own. */
  field: string;
}

export function containerIn(path: string): InContainer | undefined {
  const [, own, list, name, field = ''] =
    /^(.*(initContainers|ephemeralContainers|containers)\[([^\]]+)\])(?:\.(.+))?$/.exec(path) ?? [];
  if (own === undefined || name === undefined) return undefined;
  return { path: own, name, isInit: list === 'initContainers', field };
}

/** In the order of what one asks first: images, how many, values, all else. */
export function tellDifferences(differences: readonly Difference[]): string[] {
  const whole = wholeContainers(differences);
  const isPart = ({ path }: Difference) => whole.has(containerIn(path)?.path ?? '');
  const others = differences.filter((difference) => !isPart(difference));
  const told = [
    ...others.filter(isImage).map(tellImage),
    ...others.filter(({ path }) => path === 'spec.replicas').map(tellValue),
    ...[...whole.values()].map(tellContainer),
  ];
  const rest = others.filter((each) => !isImage(each) && each.path !== 'spec.replicas');
  told.push(...rest.filter(isValue).filter(isTold).map(tellValue));
  told.push(...tellSections(rest.filter((difference) => !isValue(difference))));
  return told;
}

export const isImage = ({ path }: { path: string }): boolean => containerIn(path)?.field === 'image';
const isValue = ({ before, after }: Difference): boolean => before !== undefined || after !== undefined;
/** The time of a restart: that it was one says its verb. */
const isTold = ({ path }: Difference): boolean => !path.includes('.annotations[');

/** Containers that came or went: each has an image. By their paths. */
function wholeContainers(differences: readonly Difference[]): Map<string, Difference> {
  const images = differences.filter((each) => isImage(each) && each.type !== 'changed');
  return new Map(images.map((each) => [containerIn(each.path)!.path, each]));
}

function tellContainer({ path, type, after }: Difference): string {
  const { name, isInit } = containerIn(path)!;
  const image = after === undefined ? '' : ` with image ${describeImage(String(after))}`;
  return `${isInit ? 'init container' : 'container'} ${name} ${type}${image}`;
}

function tellImage({ path, before, after }: Difference): string {
  const { name } = containerIn(path)!;
  // One of the two has no form that ships.
  if (before === undefined || after === undefined) return `image of container ${name} changed`;
  return `image ${name} ${describeImages(String(before), String(after)).join(' → ')}`;
}

function tellValue({ path, before, after }: Difference): string {
  const none = typeof (before ?? after) === 'boolean' ? 'false' : 'none';
  const values = `${before ?? none} → ${after ?? none}`;
  const container = containerIn(path);
  if (container === undefined) return `${nameOf(path)} ${values}`;
  const resource = /^resources\.(request|limit)s\.(.+)$/.exec(container.field);
  const what = resource === null ? container.field : `${resource[2]} ${resource[1]}`;
  return `${what} of container ${container.name} ${values}`;
}

/** Of one container in one part: "args, env of container app changed". */
function tellSections(differences: readonly Difference[]): string[] {
  const groups = Map.groupBy(differences, ({ path, type }) => `${containerIn(path)?.path ?? path} ${type}`);
  return [...groups.values()].map((group) => {
    const [{ path, type }] = group as [Difference, ...Difference[]];
    const container = containerIn(path);
    if (container === undefined) return `${nameOf(path)} ${type}`;
    const fields = group.map((each) => containerIn(each.path)!.field).filter((field) => field !== '');
    const what = fields.length === 0 ? '' : `${fields.join(', ')} of `;
    return `${what}${container.isInit ? 'init container' : 'container'} ${container.name} ${type}`;
  });
}

const templates = /^spec\.(?:template|jobTemplate\.spec\.template|jobTargetRef\.template)\./;

/** Without what everybody knows: `volumes`, `template labels`, `maxSurge`, `sourceRef.branch`. */
function nameOf(path: string): string {
  const inTemplate = path.replace(templates, '');
  if (inTemplate !== path) return inTemplate.replace(/^spec\./, '').replace(/^metadata\./, 'template ');
  return path
    .replace(/^metadata\./, '')
    .replace(/^spec\.(?:jobTemplate\.spec\.)?/, '')
    .replace(/^(?:updateStrategy|strategy)\.rollingUpdate\./, '')
    .replace(/^(updateStrategy|strategy)\.type$/, '$1');
}

/** Registry and path, which two images of one container mostly share, are left out where they do. */
function describeImages(before: string, after: string): [string, string] {
  const [old, now] = [shorten(before), shorten(after)];
  const directory = (image: string) => image.slice(0, image.lastIndexOf('/') + 1);
  return directory(old) === directory(now) && baseOf(old) !== baseOf(now)
    ? [baseOf(old), baseOf(now)]
    : [old, now];
}

export const describeImage = (image: string): string => baseOf(shorten(image));

const baseOf = (image: string): string => image.slice(image.lastIndexOf('/') + 1);

/** Nobody reads 64 digits; a tag says more, where there is one. */
const shorten = (image: string): string => image.replace(/(@sha256:[0-9a-f]{12})[0-9a-f]+$/, '$1');

/** `registry:5000/shop/web:v1@sha256:…` is `registry:5000/shop/web`, tag `v1`. */
export function nameImage(image: string): { name: string; tag: string | undefined } {
  const [tagged = ''] = image.split('@');
  const colon = tagged.indexOf(':', tagged.lastIndexOf('/') + 1);
  return colon < 0
    ? { name: tagged, tag: undefined }
    : { name: tagged.slice(0, colon), tag: tagged.slice(colon + 1) };
}
