/** Under what activities of different roots find each other, as a rule declares it from one observation. */
import type { ObjectReference } from '../../../shared/observation.ts';
import { nameKey } from './kubernetes-object.ts';

export type JoinKey =
  /** `kind/namespace/name`; only while nobody has seen the object of the name `unlessKnown`. */
  | { by: 'name'; name: string; unlessKnown?: string }
  | { by: 'uid'; uid: string }
  /** The Node that this pod is bound to. */
  | { by: 'node-of'; pod: string }
  /**
   * What only links need, from one to many: the one that many link to and each of the many find each other, and not the many
   * among themselves; and whom somebody who is found meets is not read.
   */
  | { by: 'link'; name: string; side: LinkSide }
  /**
   * What is told of the one: the many find it, also where they were found by a link themselves, and it looks for nobody. So whoever
   * is synced reads what syncs it and where that comes from, and none of the others that come from there.
   */
  | { by: 'source'; name: string; side: LinkSide }
  /** The claims that this pod mounts. */
  | { by: 'claims-of'; pod: string; namespace: string | undefined };

export const named = (kind: string, namespace: string | undefined, name: string) =>
  ({ by: 'name', name: nameKey(kind, namespace, name) }) as const;

export const nameOf = ({ kind, namespace, name }: Pick<ObjectReference, 'kind' | 'namespace' | 'name'>) =>
  named(kind, namespace, name);

export const nodeOf = (pod: string): JoinKey => ({ by: 'node-of', pod });

export type LinkSide = 'one' | 'many';

const pattern = /^(link|source):(one|many):(.*)$/;

export const linkKey = ({
  by,
  name,
  side,
}: {
  by: 'link' | 'source';
  name: string;
  side: LinkSide;
}): string => `${by}:${side}:${name}`;

/** Of a resolved key: only for whoever asks for itself. */
export const isLinkKey = (key: string): boolean => pattern.exec(key)?.[1] === 'link';

/** Of a resolved key the one under which those are registered whom it is to find; undefined where it is only to be found. */
export function soughtBy(key: string): string | undefined {
  const [, by, side, name] = pattern.exec(key) ?? [];
  if (by === undefined || side === undefined || name === undefined) return key;
  if (by === 'link') return linkKey({ by, name, side: side === 'one' ? 'many' : 'one' });
  return side === 'many' ? linkKey({ by: 'source', name, side: 'one' }) : undefined;
}
