/** What following one resource tells, in the API server's order. */
import type { Json } from './api-server.ts';

/**
 * A follow begins with a resume (only `changed` and `bookmark`) where the API server still has the history since the
 * version to resume from, else with a list: `list-start`, every object there is as `listed`, then `list-complete`. The
 * same list comes again whenever the history is gone (410): what was known and is not in it, is gone. A list that takes
 * so long that its own history goes is begun again with another `list-start`: what was `listed` before does not count.
 */
export type WatchSignal =
  | { type: 'list-start' }
  | { type: 'listed'; object: Json; receivedAt: string }
  | { type: 'list-complete'; resourceVersion: string; receivedAt: string }
  | { type: 'changed'; how: 'ADDED' | 'MODIFIED' | 'DELETED'; object: Json; receivedAt: string }
  /** Everything up to this version has been told. */
  | { type: 'bookmark'; resourceVersion: string }
  /** The last one, of custom kinds only: these are looked for anew. */
  | { type: 'unavailable'; why: Unavailable };

/** It may not be read, or the cluster has none. */
export type Unavailable = 'forbidden' | 'unknown';

/** The newest versions, by resource name, of which everything has been acknowledged. */
export type Checkpoint = Readonly<Record<string, string>>;
