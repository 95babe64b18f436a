/** Events about this forwarder: posted beside everything else, which never waits for them. */
import type { Clock } from './kubernetes/clock.ts';
import type { OwnEvent } from './kubernetes/post-event.ts';

export interface OwnEventPorts {
  /** About what was at `at`, in milliseconds since 1970. May be called again with the same. */
  post(event: OwnEvent, at: number): Promise<void>;
  clock: Clock;
  /** One is given up. */
  onFailed(error: unknown): void;
  signal: AbortSignal;
}

/** Milliseconds, doubling: the last of so many tries is some twenty minutes after the first. */
const firstPause = 5_000;
const mostTries = 9;

/**
 * One at a time. Where one cannot be posted it is tried again for some minutes; of those that come meanwhile the last one
 * takes its place, since only how it is now matters.
 */
export function createOwnEventPoster({ post, clock, onFailed, signal }: OwnEventPorts) {
  let newest: { event: OwnEvent; at: number } | undefined;
  let posting = false;

  const work = async () => {
    posting = true;
    for (let tries = 1, last = newest; newest !== undefined && !signal.aborted; ) {
      if (newest !== last) tries = 1;
      last = newest;
      try {
        await post(last.event, last.at);
        if (newest === last) newest = undefined;
      } catch (error) {
        if (signal.aborted) break;
        if (newest !== last) continue;
        if (tries === mostTries) {
          newest = undefined;
          onFailed(error);
          break;
        }
        await clock.sleep(firstPause * 2 ** (tries++ - 1), signal);
      }
    }
    posting = false;
  };

  return (event: OwnEvent): void => {
    newest = { event, at: clock.now() };
    if (!posting) void work();
  };
}
