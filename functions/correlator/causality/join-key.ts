/** Under what activities of different roots find each other, as a rule declares it from one observation. */
import type { ObjectReference } from '../../../shared/observation.ts';
import { nameKey } from './kubernetes-object.ts';

export type JoinKey =
  /** `kind/namespace/name`; where `unlessKnown`, only while nobody has seen the object. */
  | { by: 'name'; name: string; unlessKnown?: boolean }
  | { by: 'uid'; uid: string }
  /** The Node that this pod is bound to. */
  | { by: 'node-of'; pod: string }
  /** What only links need: whoever is found under it is read, and not whom that one meets. */
  | { by: 'link'; name: string }
  /** The claims that this pod mounts. */
  | { by: 'claims-of'; pod: string; namespace: string | undefined };

export const named = (kind: string, namespace: string | undefined, name: string) =>
  ({ by: 'name', name: nameKey(kind, namespace, name) }) as const;

export const nameOf = ({ kind, namespace, name }: Pick<ObjectReference, 'kind' | 'namespace' | 'name'>) =>
  named(kind, namespace, name);

export const nodeOf = (pod: string): JoinKey => ({ by: 'node-of', pod });

/** Of a resolved key. */
export const isLinkKey = (key: string): boolean => key.startsWith('link:');
