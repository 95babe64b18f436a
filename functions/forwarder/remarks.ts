/** What the forwarder says of what it does: the rows of its figures and log lines (`tell-remarks.ts`). */

import type { PutTrouble } from './explain-trouble.ts';
import type { FilteredBy } from './filter-events.ts';
import type { RateExceeded } from './guard-rate.ts';
import type { LookUpResult } from './kubernetes/look-up-object.ts';
import type { Unavailable } from './kubernetes/watch-signal.ts';
import type { WatchRemark } from './kubernetes/watch-troubles.ts';

/** What something is, without what it says. */
export interface Named {
  kind: string;
  namespace?: string | undefined;
  name: string;
}

/** Each Event that was received is shipped, filtered or dropped, in the end. */
export type DeliveryRemark =
  | { type: 'event-received' }
  | { type: 'event-filtered'; by: FilteredBy }
  /** `about` is the Event's object. */
  | {
      type: 'event-dropped';
      reason: RateExceeded | 'unreadable' | 'too-large' | 'refused';
      about: Named;
      why?: string;
    }
  | { type: 'snapshot-dropped'; reason: 'unreadable' | 'too-large' | 'refused'; about: Named; why: string }
  /** Acknowledged. `lags`: milliseconds, of each Event from its arrival; `bytes`: after compression. */
  | { type: 'shipped'; events: number; snapshots: number; records: number; bytes: number; lags: number[] }
  | { type: 'put-again'; reason: PutTrouble; wait: number; error?: unknown }
  | { type: 'looked-up'; result: LookUpResult['type'] | 'skipped' }
  | { type: 'look-ups-refused'; resource: string }
  /** Seconds since it last could. */
  | { type: 'not-shipping'; seconds: number; reason: PutTrouble }
  | { type: 'shipping-again'; seconds: number }
  | { type: 'own-event-failed'; error: unknown };

/** Of kinds that are not Kubernetes' own. */
export type KindRemark =
  /** Said once, until it can be watched again. */
  | { type: 'kind-unavailable'; resource: string; why: Unavailable }
  /** The API server does not tell what is installed. */
  | { type: 'kinds-unknown'; error: unknown };

export type ForwarderRemark = DeliveryRemark | KindRemark | WatchRemark;
