/**
 * Where what a GitOps tool syncs comes from, as far as it leaves the cluster (`shippedOrigins` in `snapshot-fields.ts`): of a
 * source its URL without credentials, of what is synced which source that is.
 */
import { kindKey } from '../../shared/group-kind.ts';
import type { ObjectSnapshot } from '../../shared/observation.ts';
import { shippedOrigins, shippedRef, shippedReference, shippedUrl } from '../../shared/snapshot-fields.ts';
import { putAt, valueAt } from './json-path.ts';
import { isRecord, type Json, json } from './kubernetes/api-server.ts';

export type Origin = Pick<ObjectSnapshot['object'], 'repository' | 'source'>;

const none: Origin = {};

export function readOrigin(object: Json): Origin {
  const { metadata } = object;
  const paths = shippedOrigins[keyOf(object)];
  if (paths === undefined) return none;
  const at = (path: string | undefined) => path && valueAt(object, path);
  const ref = at(findText(object, paths.ref));
  const url = urlOf(object, paths.url);
  const source = sourceOf(at(findSource(object, paths.source)), json(metadata).namespace);
  const repository = {
    ...(url !== undefined && { url }),
    ...(shippedRef(ref) && { ref: refName(ref as string) }),
  };
  return {
    ...(Object.keys(repository).length > 0 && { repository }),
    ...(source !== undefined && { source }),
  };
}

const keyOf = ({ apiVersion, kind }: Json): string =>
  kindKey({ apiVersion: String(apiVersion), kind: String(kind) });
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** The first place where something stands; in a recording there may be a digest in others. */
const findText = (object: Json, paths: readonly string[] = []) =>
  paths.find((path) => isText(valueAt(object, path)));
const findSource = (object: Json, paths: readonly string[] = []) =>
  paths.find((path) => isText(json(valueAt(object, path)).name));

/** Of a Bucket its endpoint is no URL, and its name is the path. */
function urlOf(object: Json, paths: readonly string[] = []): string | undefined {
  const values = paths.map((path) => valueAt(object, path));
  if (object.kind !== 'Bucket') return shippedUrl(values.find(isText));
  const scheme = valueAt(object, 'spec.insecure') === true ? 'http' : 'https';
  return values.every(isText) ? shippedUrl(`${scheme}://${values.join('/')}`) : undefined;
}

function sourceOf(reference: unknown, ownNamespace: unknown): Origin['source'] {
  if (!isRecord(reference)) return undefined;
  const { kind, name, namespace = ownNamespace } = reference;
  if (!shippedReference.kind(kind) || !shippedReference.name(name)) return undefined;
  return {
    kind: String(kind),
    name: String(name),
    ...(shippedReference.namespace(namespace) && { namespace: String(namespace) }),
  };
}

const refName = (ref: string): string => ref.replace(/^refs\/(?:heads|tags)\//, '');

/** For a recording: what ships, where it stands in the spec, which is otherwise cut already. */
export function putOrigin(object: Json, cut: Json): Json {
  const paths = shippedOrigins[keyOf(object)];
  if (paths === undefined) return cut;
  const into = { spec: structuredClone(cut) };
  const { repository, source } = readOrigin(object);
  const keep = (path: string | undefined, value: unknown) => {
    if (path !== undefined && value !== undefined) putAt(into, path, value);
  };
  if (repository?.url !== undefined && object.kind === 'Bucket') {
    const { protocol, host, pathname } = new URL(repository.url);
    const [endpoint, bucket] = paths.url!;
    keep(endpoint, host);
    keep(bucket, pathname.slice(1));
    if (protocol === 'http:') keep('spec.insecure', true);
  } else keep(findText(object, paths.url), repository?.url);
  keep(findText(object, paths.ref), repository?.ref);
  const at = findSource(object, paths.source);
  if (source !== undefined)
    for (const [key, isShipped] of Object.entries(shippedReference)) {
      const value = valueAt(object, `${at}.${key}`);
      if (isShipped(value)) keep(`${at}.${key}`, value);
    }
  return into.spec;
}
