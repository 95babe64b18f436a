/**
 * Deterministic ids, so that work done twice is harmless: the same fact has the same id in every run.
 */
import { hash } from 'node:crypto';

/** First 16 bytes of SHA-256(`root UID/change`) as hex; `change` is a generation, `delete`, or an episode's first occurrence. */
export const traceIdOf = (rootUid: string, change: string): string =>
  hash('sha256', `${rootUid}/${change}`, 'hex').slice(0, 32);

/** First 8 bytes of SHA-256(`event UID/count`) as hex. */
export const occurrenceSpanId = (eventUid: string, count: number): string =>
  hash('sha256', `${eventUid}/${count}`, 'hex').slice(0, 16);

/** First 8 bytes of SHA-256(`root UID/change/root`) as hex. */
export const changeSpanId = (rootUid: string, change: string): string =>
  hash('sha256', `${rootUid}/${change}/root`, 'hex').slice(0, 16);

/** First 8 bytes of SHA-256(`pod UID/Ready//TIME` or `pod UID/Terminated/CONTAINER/TIME`) as hex. */
export const transitionSpanId = (id: string): string => hash('sha256', id, 'hex').slice(0, 16);
