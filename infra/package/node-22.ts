/**
 * What the project's own Node 24 has and Node 22 has not, as far as the command line uses it: the package runs on both. What
 * is not listed here and missing there fails in the test that runs the package on Node 22.
 */
import { createRequire, isBuiltin } from 'node:module';

/** As far as `await using` and the pipeline need it (https://tc39.es/proposal-explicit-resource-management). */
class DisposableCalls {
  #calls: (() => unknown)[] = [];

  defer(call: () => unknown): void {
    this.#calls.push(call);
  }

  use<T extends AsyncDisposable>(value: T): T {
    this.defer(() => value[Symbol.asyncDispose]());
    return value;
  }

  move(): DisposableCalls {
    const moved = new DisposableCalls();
    moved.#calls = this.#calls.splice(0);
    return moved;
  }

  async disposeAsync(): Promise<void> {
    for (let call = this.#calls.pop(); call !== undefined; call = this.#calls.pop()) await call();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disposeAsync();
  }
}

const require = createRequire(import.meta.url);

const missing: readonly [object, string, unknown][] = [
  [globalThis, 'AsyncDisposableStack', DisposableCalls],
  // Of names of Kubernetes and patterns of filters: nothing but punctuation has to be escaped there.
  [RegExp, 'escape', (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')],
  // From 22.1 and 22.3 on.
  [URL, 'parse', (text: string) => (URL.canParse(text) ? new URL(text) : null)],
  [process, 'getBuiltinModule', (name: string) => (isBuiltin(name) ? require(name) : undefined)],
];

for (const [owner, name, value] of missing)
  if (!(name in owner)) Object.defineProperty(owner, name, { value, configurable: true, writable: true });
