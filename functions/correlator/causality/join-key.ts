/** Under what activities of different roots find each other, as a rule declares it from one observation. */
import type { ObjectReference } from '../../../shared/observation.ts';
import { nameKey } from './resolve-objects.ts';

export type JoinKey =
  /** `kind/namespace/name`; where `unlessKnown`, only while nobody has seen the object. */
  | { by: 'name'; name: string; unlessKnown?: boolean }
  | { by: 'uid'; uid: string }
  /** The Node that this pod is bound to. */
  | { by: 'node-of'; pod: string }
  /**
   * What only links need, from one to many: the one that many link to and each of the many find each other, and not the many
   * among themselves; and whom somebody who is found meets is not read.
   */
  | { by: 'link'; name: string; side: LinkSide }
  /** The claims that this pod mounts. */
  | { by: 'claims-of'; pod: string; namespace: string | undefined };

export const named = (kind: string, namespace: string | undefined, name: string) =>
  ({ by: 'name', name: nameKey(kind, namespace, name) }) as const;

export const nameOf = ({ kind, namespace, name }: Pick<ObjectReference, 'kind' | 'namespace' | 'name'>) =>
  named(kind, namespace, name);

export const nodeOf = (pod: string): JoinKey => ({ by: 'node-of', pod });

export type LinkSide = 'one' | 'many';

const linkPattern = /^link:(one|many):(.*)$/;

export const linkKey = ({ name, side }: { name: string; side: LinkSide }): string => `link:${side}:${name}`;

/** Of a resolved key. */
export const isLinkKey = (key: string): boolean => linkPattern.test(key);

/** Of a resolved key the one under which those are registered whom it is to find. */
export function soughtBy(key: string): string {
  const [, side, name] = linkPattern.exec(key) ?? [];
  return side === undefined ? key : linkKey({ name: name!, side: side === 'one' ? 'many' : 'one' });
}
