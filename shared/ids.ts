/**
 * Deterministic ids, so that work done twice is harmless: the same fact has the same id in every run. Of a UID that was too long
 * to be kept (bounds.ts) they are those of the original.
 */
import { sha256 } from './resumed-sha256.ts';

/** First 16 bytes of SHA-256(`root UID/change`) as hex; `change` is a generation, `delete`, or an episode's first occurrence. */
export const traceIdOf = (rootUid: string, change: string): string =>
  sha256(rootUid, `/${change}`).slice(0, 32);

/** First 8 bytes of SHA-256(`event UID/count`) as hex. */
export const occurrenceSpanId = (eventUid: string, count: number): string =>
  sha256(eventUid, `/${count}`).slice(0, 16);

/** First 8 bytes of SHA-256(`root UID/change/root`) as hex. */
export const changeSpanId = (rootUid: string, change: string): string =>
  sha256(rootUid, `/${change}/root`).slice(0, 16);

/** First 8 bytes of SHA-256(`pod UID/what`) as hex; `what` is `Ready//TIME` or `Terminated/CONTAINER/TIME`. */
export const transitionSpanId = (podUid: string, what: string): string =>
  sha256(podUid, `/${what}`).slice(0, 16);

/** What stands for the root UID in the ids of a release: of its first change the cluster and the root UID. */
export const releaseUid = (key: string, cluster: string, rootUid: string): string =>
  `release/${key}/${cluster}/${rootUid}`;

/** First 8 bytes of SHA-256(`release/KEY/cluster/root UID/change/told`) as hex: the same in whichever release it is told. */
export const releaseChangeSpanId = (key: string, cluster: string, rootUid: string, change: string): string =>
  sha256(releaseUid(key, cluster, rootUid), `/${change}/told`).slice(0, 16);
