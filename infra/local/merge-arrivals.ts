/** Several sources as one, in order of arrival; sources may come while it runs. */
export interface Merged<T> {
  /** Resolves with what the source returns; one that fails ends them all. */
  add<R>(source: AsyncGenerator<T, R>): Promise<R | undefined>;
  /** Until all have ended, those included that come before `last` is settled. A source is asked for more once its last was taken. */
  until(last: Promise<unknown>): AsyncGenerator<T>;
}

export function mergeArrivals<T>(): Merged<T> {
  // Not a race of them all, again and again: a source that has nothing to tell would remember every one.
  const arrived: (() => Promise<T | undefined>)[] = [];
  let running = 0;
  let wake = () => {};

  const add = <R>(source: AsyncGenerator<T, R>): Promise<R | undefined> =>
    new Promise((resolve) => {
      running++;
      const ask = () => {
        const next = source.next();
        const take = async () => {
          const { done, value } = await next;
          if (done !== true) {
            ask();
            return value;
          }
          running--;
          resolve(value);
          return undefined;
        };
        const arrive = () => {
          arrived.push(take);
          wake();
        };
        next.then(arrive, arrive);
      };
      ask();
    });

  async function* until(last: Promise<unknown>): AsyncGenerator<T> {
    let isOpen = true;
    let failure: { error: unknown } | undefined;
    const close = () => {
      isOpen = false;
      wake();
    };
    last.then(close, (error: unknown) => {
      failure = { error };
      close();
    });
    while (failure === undefined && (running > 0 || isOpen)) {
      const first = arrived.shift();
      if (first === undefined) {
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      const value = await first();
      if (value !== undefined) yield value;
    }
    if (failure !== undefined) throw failure.error;
  }

  return { add, until };
}
