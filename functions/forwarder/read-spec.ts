/**
 * What a spec says, as far as it leaves the cluster: by path, the values that `snapshot-fields.ts` names, and a keyed digest of
 * every other section. Environment, arguments, annotations and the like are told apart by it, and never told.
 */
import { kindKey } from '../../shared/group-kind.ts';
import type { SpecDescription } from '../../shared/observation.ts';
import {
  countsStatusAsGeneration,
  mostSections,
  podTemplates,
  restartMark,
  shippedContainer,
  shippedPodSpec,
  shippedResource,
  shippedRestart,
  shippedSpec,
  workloads,
} from '../../shared/snapshot-fields.ts';
import { keyedDigest, remembered } from './digest.ts';
import { isRecord, type Json, json } from './kubernetes/api-server.ts';

export interface SpecReader {
  /** Under this reader's key. */
  digest(value: unknown): string;
  read(object: Json, isOwned: boolean): ReadSpec;
}

export interface ReadSpec {
  /** Of a workload's spec without its replicas, or of what kubectl last applied where the spec itself is not there. */
  digest: string | undefined;
  /** Undefined of what is no root by itself, and of a kind whose generations are no changes. */
  description: SpecDescription | undefined;
}

/** What digests are made with where they are never shown, and have to be the same in each run: recordings on a laptop. */
export const fixedKey = 'rootspan';

/** One for a key: it remembers what it has read, so that most versions of an object cost the hash of their spec. */
export function createSpecReader(key: string): SpecReader {
  const digest = (value: unknown) => keyedDigest(key, value);
  const id = keyedDigest(key, 'key').slice(0, 4);
  const read = remembered((readable: Readable): ReadSpec => {
    const { spec, applied, isWorkload, isDescribed } = readable;
    const whole = hasTemplate(spec) ? spec : applied;
    const isEmptySpec = !hasFields(spec) && applied === undefined;
    return {
      digest: isWorkload && whole !== undefined ? digest({ ...whole, replicas: null }) : undefined,
      description: isDescribed && !isEmptySpec ? describeSpec(readable, digest, id) : undefined,
    };
  });
  return {
    digest,
    read(object, isOwned) {
      const readable = readableOf(object, isOwned);
      return readable === undefined ? nothing : read(readable);
    },
  };
}

const nothing: ReadSpec = { digest: undefined, description: undefined };

export const hasTemplate = ({ template, jobTemplate }: Json): boolean =>
  template !== undefined || jobTemplate !== undefined;

const appliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

function lastApplied(metadata: Json): Json | undefined {
  const applied = json(metadata.annotations)[appliedAnnotation];
  if (typeof applied !== 'string') return undefined;
  try {
    const { spec } = json(JSON.parse(applied));
    return isRecord(spec) ? spec : undefined;
  } catch {
    return undefined;
  }
}

/** What is read of an object, and nothing that changes without it: equal ones are read once. */
interface Readable {
  isWorkload: boolean;
  isDescribed: boolean;
  spec: Json;
  /** Where the spec has no template. */
  applied?: Json | undefined;
  annotations?: Json | undefined;
}

function readableOf(
  { apiVersion, kind, metadata: raw, spec: rawSpec }: Json,
  isOwned: boolean,
): Readable | undefined {
  const metadata = json(raw);
  const spec = json(rawSpec);
  const isWorkload = workloads.has(String(kind));
  const isDescribed =
    !countsStatusAsGeneration.has(kindKey({ apiVersion: String(apiVersion ?? ''), kind: String(kind) })) &&
    // Without a generation it has no changes; of a pod that nobody owns its Events tell the images.
    metadata.generation !== undefined &&
    kind !== 'Pod' &&
    // What is owned changes with its owner; but a Job of a CronJob is a run.
    (!isOwned || kind === 'Job');
  if (!isWorkload && !isDescribed) return undefined;
  const applied = isWorkload && !hasTemplate(spec) ? lastApplied(metadata) : undefined;
  if (!isDescribed) return { isWorkload, isDescribed, spec: { ...spec, replicas: null }, applied };
  // A change of its annotations is a generation of a Deployment, and of no other kind.
  const annotations = kind === 'Deployment' ? ownAnnotations(json(metadata.annotations)) : undefined;
  return { isWorkload, isDescribed, spec, applied, annotations };
}

/** Those that kubectl and the controller keep their books in change with every change. */
function ownAnnotations(annotations: Json): Json | undefined {
  const own = Object.entries(annotations).filter(
    ([key]) => key !== appliedAnnotation && !key.startsWith('deployment.kubernetes.io/'),
  );
  return own.length === 0 ? undefined : Object.fromEntries(own);
}

/** What was found so far. */
interface Sections {
  values: Record<string, string | number | boolean>;
  digests: Record<string, string>;
  template: string | undefined;
  digest(value: unknown): string;
}

function describeSpec(
  { spec, applied, annotations }: Readable,
  digest: (value: unknown) => string,
  key: string,
): SpecDescription {
  const found: Sections = { values: {}, digests: {}, template: undefined, digest };
  readFields({ ...applied, ...spec }, 'spec', 1, found);
  if (annotations !== undefined) found.digests['metadata.annotations'] = digest(annotations);
  // `kubectl rollout undo` leaves what was applied as it was: it does not say which template is in force.
  const template = applied === undefined ? found.template : undefined;
  return { key, ...(template !== undefined && { template }), ...bounded(found) };
}

/** A key that is no plain name may be anything: it does not leave the cluster. */
const isPlainName = (key: string): boolean => /^[A-Za-z][\w-]{0,62}$/.test(key);
const isContainerName = (name: unknown): name is string =>
  typeof name === 'string' && /^[a-z0-9][a-z0-9-]{0,62}$/.test(name);

const levels = 2;

function readFields(fields: Json, path: string, level: number, found: Sections): void {
  const rest: Json = {};
  for (const [key, value] of Object.entries(fields)) {
    const at = `${path}.${key}`;
    if (value === null || value === undefined) continue;
    if (!isPlainName(key)) rest[key] = value;
    else if (shippedSpec[at]?.(value)) found.values[at] = value as string;
    else if (podTemplates.includes(at) && isPodTemplate(value)) readTemplate(value, at, found);
    // Recordings of before have a digest of the whole spec there.
    else if (at === 'spec.template' && typeof json(value).digest === 'string')
      found.digests.spec = found.digest(value);
    else if (isRecord(value) && hasFields(value) && (level < levels || leadsToShipped(at)))
      readFields(value, at, level + 1, found);
    else found.digests[at] = found.digest(value);
  }
  if (hasFields(rest)) found.digests[path] = found.digest(rest);
}

const leadsToShipped = (path: string): boolean =>
  [...Object.keys(shippedSpec), ...podTemplates].some((shipped) => shipped.startsWith(`${path}.`));

const isPodTemplate = (value: unknown): value is Json => Array.isArray(json(json(value).spec).containers);

function readTemplate(template: Json, path: string, found: Sections): void {
  found.template = found.digest(template);
  const { annotations, labels, creationTimestamp: _, ...rest } = json(template.metadata);
  const { [restartMark]: restartedAt, ...others } = json(annotations);
  const at = `${path}.metadata`;
  if (shippedRestart(restartedAt)) found.values[`${at}.annotations[${restartMark}]`] = restartedAt as string;
  else if (restartedAt !== undefined) others[restartMark] = restartedAt;
  if (hasFields(others)) found.digests[`${at}.annotations`] = found.digest(others);
  if (isRecord(labels)) found.digests[`${at}.labels`] = found.digest(labels);
  if (hasFields(rest)) found.digests[at] = found.digest(rest);
  readPodSpec(json(template.spec), `${path}.spec`, found);
}

/** Of a pod's spec: their entries are told apart by name. */
export const containerLists: ReadonlySet<string> = new Set([
  'initContainers',
  'containers',
  'ephemeralContainers',
]);

function readPodSpec(spec: Json, path: string, found: Sections): void {
  const rest: Json = {};
  for (const [key, value] of Object.entries(spec)) {
    const at = `${path}.${key}`;
    if (value === null || value === undefined || isEmpty(value)) continue;
    // The older name of serviceAccountName, which the API server writes beside it.
    if (key === 'serviceAccount' && value === spec.serviceAccountName) continue;
    if (!isPlainName(key)) rest[key] = value;
    else if (shippedPodSpec[key]?.(value)) found.values[at] = value as string;
    else if (containerLists.has(key) && areNamed(value))
      for (const container of value) readContainer(container, `${at}[${container.name}]`, found);
    else found.digests[at] = found.digest(value);
  }
  if (hasFields(rest)) found.digests[path] = found.digest(rest);
}

/** What the API server writes where nobody said anything, and nobody ever changes. */
const containerDefaults: Json = {
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
};

function readContainer(container: Json, path: string, found: Sections): void {
  const rest: Json = {};
  for (const [key, value] of Object.entries(container)) {
    const at = `${path}.${key}`;
    if (key === 'name' || value === null || isEmpty(value) || containerDefaults[key] === value) continue;
    if (!isPlainName(key)) rest[key] = value;
    else if (shippedContainer[key]?.(value)) found.values[at] = value as string;
    else if (key === 'resources' && isRecord(value)) readResources(value, at, found);
    else found.digests[at] = found.digest(value);
  }
  if (hasFields(rest)) found.digests[path] = found.digest(rest);
}

function readResources(resources: Json, path: string, found: Sections): void {
  const rest: Json = {};
  for (const [key, value] of Object.entries(resources)) {
    const isList = key === 'requests' || key === 'limits';
    for (const [name, quantity] of isList ? Object.entries(json(value)) : []) {
      const isKnown = isPlainName(name) && shippedResource(quantity);
      if (isKnown) found.values[`${path}.${key}.${name}`] = quantity as string;
      // Of a vendor (`nvidia.com/gpu`), or no quantity at all.
      else rest[`${key}.${name}`] = quantity;
    }
    if (!isList) rest[key] = value;
  }
  if (hasFields(rest)) found.digests[path] = found.digest(rest);
}

/** What is too much is one more digest, of the whole. Values first. */
function bounded({ values, digests, digest }: Sections): Pick<SpecDescription, 'values' | 'digests'> {
  const inOrder = <T>(entries: Record<string, T>) =>
    Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1));
  const [all, others] = [inOrder(values), inOrder(digests)];
  if (all.length + others.length <= mostSections)
    return { values: Object.fromEntries(all), digests: Object.fromEntries(others) };
  const kept = all.slice(0, mostSections - 1);
  const room = mostSections - 1 - kept.length;
  const rest = [...all.slice(kept.length), ...others.slice(room)];
  return {
    values: Object.fromEntries(kept),
    digests: { ...Object.fromEntries(others.slice(0, room)), spec: digest([rest, digests.spec]) },
  };
}

const hasFields = (value: Json): boolean => Object.keys(value).length > 0;
const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !hasFields(value as Json);
const areNamed = (value: unknown): value is (Json & { name: string })[] =>
  Array.isArray(value) &&
  value.every((entry) => isContainerName(json(entry).name)) &&
  new Set(value.map(({ name }) => name)).size === value.length;
