/**
 * What the correlator remembers, in one table: the port, and the keys of its partitions. Each item and who writes, reads and
 * expires it: docs/ARCHITECTURE.md, "Items". Readers check the time themselves, since DynamoDB's TTL may be days late.
 */

import { hash } from 'node:crypto';

export interface Key {
  pk: string;
  sk: string;
}

/** Of what has one key the last. */
export const withoutRepeats = <K extends Key>(all: readonly K[]): K[] => [
  ...new Map(all.map((one) => [JSON.stringify([one.pk, one.sk]), one])).values(),
];

/** When an item expires that is kept for so many seconds. @param now milliseconds since 1970 */
export const expiryAfter = (now: number, seconds: number): number => Math.ceil(now / 1000) + seconds;

export interface Item extends Key {
  /** Seconds since 1970. */
  expiresAt: number;
  /** Of items that several writers replace: counts the replacements. */
  revision?: number;
  fields?: Record<string, string | number>;
  body?: Uint8Array;
}

/** Of a partition. */
export interface Part {
  /** Both included. */
  within?: readonly [from: string, to: string];
  /** No more than the first so many: where there are fewer, these are all. */
  most?: number;
}

/**
 * Reads are consistent: who writes and then reads sees whoever wrote before. Rejects when the store is away; then what
 * was to be written may be there or not, and the same call may be repeated. Rejects with ItemRefusedError for what no attempt gets
 * through; all else of the call is written.
 */
export interface Store {
  /** Those that exist, in any order. */
  read(keys: readonly Key[]): Promise<Item[]>;
  /** Of one partition, ascending by sk. */
  list(pk: string, part?: Part): Promise<Item[]>;
  /** Each by itself and in any order, whatever was there before. */
  put(items: readonly Item[]): Promise<void>;
  remove(keys: readonly Key[]): Promise<void>;
  /**
   * Puts `item` only where the one in place has revision `seen` (undefined: where there is none); tells whether it did.
   */
  replace(item: Item & { revision: number }, seen: number | undefined): Promise<boolean>;
}

/** DynamoDB takes 400 KB an item, names of attributes included. */
export const largestBody = 350_000;

/**
 * What keys are made of: at most 400 printable characters of ASCII, which every id of Kubernetes' own is (63/63/253); of all else
 * a digest. So no key is longer than DynamoDB takes (`expect#<cluster>/<id>` is the longest sort key), and none is two texts to us
 * and one to it.
 */
export const keyPart = (text: string): string =>
  /^[\x20-\x7e]{0,400}$/.test(text) ? text : `~${hash('sha256', text, 'base64url')}`;

export const familyPartition = (cluster: string, family: string): string => `objects#${cluster}/${family}`;
export const activityPartition = (activity: string): string => `activity#${activity}`;
/** Where the spans of cuts are that were folded. */
export const archivePartition = (activity: string): string => `archive#${activity}`;
export const joinPartition = (cluster: string, joinKey: string): string =>
  `meet#${cluster}#${keyPart(joinKey)}`;

/** Of an activity's key, or of an object's: a cluster's UID has no slash, the id of an object without one has. */
export function splitKey(key: string): [cluster: string, id: string] {
  const at = key.indexOf('/');
  return [key.slice(0, at), key.slice(at + 1)];
}
export const clusterOf = (key: string): string => splitKey(key)[0];

/** Where an object is looked up. */
export interface Place {
  id: string;
  /**
   * What a controller and its pods have in common, so that they are written and read together: its name. That others may
   * have it too does no harm.
   */
  family: string;
}

export interface KnownObject {
  /** Its controller; an object that is known and has none is a root. */
  owner?: Place;
  /** The record that told of the owner first. */
  by: string;
}
