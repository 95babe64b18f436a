/** What the steps of settling are handed: the store in memory, a clock that stands until somebody moves it, and ports that remember. */
import { builtInRules } from '../../functions/correlator/causality/rules/built-in-rules.ts';
import type { Remark, Timer } from '../../functions/correlator/ports.ts';
import type { SettleContext } from '../../functions/correlator/settle-context.ts';
import type { Store } from '../../functions/correlator/store.ts';
import { createMemoryStore } from '../../functions/correlator/store-memory.ts';
import { defaultThresholds } from '../../functions/correlator/thresholds.ts';
import type { Span } from '../../shared/span.ts';

export const noon = Date.parse('2026-03-01T12:00:00Z');

export class Crash extends Error {}

/** Whether the n-th call (from 1) crashes, before or after it took effect. */
export type CrashAt = (call: number, name: string) => 'before' | 'after' | undefined;

export interface StartedContext extends SettleContext {
  /** Milliseconds since 1970. */
  clock: { now: number };
  /** As it is, without crashes. */
  store: Store;
  armed: (Timer & { delaySeconds: number })[];
  sends: Span[][];
  remarks: Remark[];
  /** Names of what was called, in order. */
  calls: string[];
}

export function startContext(crash: CrashAt = () => undefined, start = noon): StartedContext {
  const clock = { now: start };
  const calls: string[] = [];
  const [armed, sends, remarks]: [StartedContext['armed'], Span[][], Remark[]] = [[], [], []];
  const watched = <T extends object>(port: T): T =>
    new Proxy(port, {
      get: (target, name, receiver) => {
        const method = Reflect.get(target, name, receiver) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          const when = crash(calls.push(String(name)), String(name));
          if (when === 'before') throw new Crash(`before ${String(name)}`);
          const result = await method.apply(target, args);
          if (when === 'after') throw new Crash(`after ${String(name)}`);
          return result;
        };
      },
    });
  const store = createMemoryStore(() => clock.now);
  return {
    ports: {
      store: watched(store),
      timers: watched({
        arm: async (timer: Timer, delaySeconds: number) => void armed.push({ ...timer, delaySeconds }),
      }),
      spansQueue: watched({ send: async (spans: readonly Span[]) => void sends.push([...spans]) }),
      setAside: { keep: async () => {} },
      log: (remark) => remarks.push(remark),
      now: () => clock.now,
      assemblyClock: () => BigInt(clock.now) * 1_000_000n,
    },
    thresholds: defaultThresholds,
    rules: builtInRules,
    releasesByImages: false,
    clock,
    store,
    armed,
    sends,
    remarks,
    calls,
  };
}
