/**
 * Up to which version of each resource everything has been stored or deliberately dropped. Steps are taken in the API
 * server's order; a position moves past a step only when that one and all before it are done.
 */
import type { Checkpoint } from './kubernetes/watch-signal.ts';

/** What one signal of a watch started; open until whoever opened it and all that hold it have released it. */
export interface Step {
  hold(): void;
  release(): void;
}

/** Of what no signal of a watch started. */
export const noStep: Step = { hold: () => {}, release: () => {} };

export interface Positions {
  /** @param version where everything up to it has been told; a list's objects come in no order and have none */
  open(resource: string, version: string | undefined): Step;
  checkpoint(): Checkpoint;
  /** Since when the oldest step has been open, in milliseconds since 1970. */
  openSince(): number | undefined;
}

interface QueuedStep {
  version: string | undefined;
  holds: number;
  openedAt: number;
}

/** @param onMoved after each move; may be called many times in a row */
export function trackPositions(from: Checkpoint, now: () => number, onMoved: () => void): Positions {
  const positions = new Map(Object.entries(from));
  const queues = new Map<string, QueuedStep[]>();

  const settle = (resource: string, queue: QueuedStep[]) => {
    let done = 0;
    let version: string | undefined;
    while (done < queue.length && queue[done]!.holds === 0) version = queue[done++]!.version ?? version;
    queue.splice(0, done);
    if (version === undefined || positions.get(resource) === version) return;
    positions.set(resource, version);
    onMoved();
  };

  return {
    open(resource, version) {
      const queue = queues.get(resource) ?? [];
      queues.set(resource, queue);
      const step: QueuedStep = { version, holds: 1, openedAt: now() };
      queue.push(step);
      return {
        hold() {
          step.holds++;
        },
        release() {
          if (--step.holds === 0 && queue[0] === step) settle(resource, queue);
        },
      };
    },
    checkpoint: () => Object.fromEntries(positions),
    openSince() {
      let oldest: number | undefined;
      for (const [step] of queues.values()) {
        if (step !== undefined && !(step.openedAt >= (oldest ?? Infinity))) oldest = step.openedAt;
      }
      return oldest;
    },
  };
}
