/**
 * One horizon bounds what may still be told: what says that a span was sent is kept for as long as an observation that is taken can
 * tell it again (`sentRetention` is the sum), so what comes later than a horizon after its own time is set aside as too old.
 */
import type { Observation } from '../../shared/observation.ts';

/**
 * When what is observed was, in milliseconds since 1970: of an Event the time of this occurrence; of an object when it was seen so
 * (an old object that is seen today is no old news).
 */
export function ownTime(observation: Observation): number {
  if (observation.type === 'object') return Date.parse(observation.observedAt);
  const { lastTimestamp, lastObservedTime, eventTime, firstTimestamp } = observation.event;
  return Date.parse(
    lastTimestamp ?? lastObservedTime ?? eventTime ?? firstTimestamp ?? observation.observedAt,
  );
}

/**
 * Why it is not to be taken; undefined: it is young enough. For `decodeBatch`.
 * @param now milliseconds since 1970
 * @param horizon seconds
 */
export const refuseTooOld =
  (now: number, horizon: number) =>
  (observation: Observation): string | undefined =>
    ownTime(observation) < now - horizon * 1000 ? `is older than ${horizon / 3600} hours` : undefined;
