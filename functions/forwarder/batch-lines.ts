/**
 * The one way from all watches to the stream: lines in, batches out. Bounded in bytes, those on their way included; when
 * it is full nobody reads on, and the API server keeps what is next.
 */

/** An observation on its way. */
export interface Line {
  type: 'event' | 'object';
  /** JSON of the observation. */
  text: string;
  /** Milliseconds since 1970 at which it came. */
  at: number;
  /** Once it is stored, or dropped and told. */
  done(): void;
}

export interface Batch {
  lines: Line[];
  bytes: number;
  /** Room for as much again. */
  release(): void;
}

export interface LineChannel {
  /** Resolves once the line is in. */
  push(line: Line): Promise<void>;
  /** No more is pushed: what there is can go. */
  close(): void;
  /** One at a time. Waits for the first line, then until the batch is full or old enough; undefined: closed and empty. */
  take(): Promise<Batch | undefined>;
  bytes(): number;
  isFull(): boolean;
}

export interface BatchLimits {
  /** All lines that are not stored yet. */
  channelBytes: number;
  batchBytes: number;
  batchLines: number;
  /** Milliseconds after which a batch goes, full or not. */
  batchAge: number;
}

/** Half a megabyte before compression is one record of the stream. */
export const defaultBatchLimits: BatchLimits = {
  channelBytes: 4_000_000,
  batchBytes: 500_000,
  batchLines: Number.POSITIVE_INFINITY,
  batchAge: 1_000,
};

/** @param sleep milliseconds */
export function createLineChannel(
  limits: BatchLimits,
  sleep: (duration: number) => Promise<unknown>,
): LineChannel {
  let lines: Line[] = [];
  let sizes: number[] = [];
  let waitingBytes = 0;
  let bytes = 0;
  let closed = false;
  const pushers: (() => void)[] = [];
  let taker: (() => void) | undefined;

  const isFull = () => bytes >= limits.channelBytes;
  const isSealed = () =>
    closed || lines.length >= limits.batchLines || waitingBytes >= limits.batchBytes || isFull();
  const wakeTaker = () => {
    taker?.();
    taker = undefined;
  };
  const change = () => new Promise<void>((resolve) => (taker = resolve));

  return {
    async push(line) {
      // Once woken it may find that another was faster.
      while (isFull()) await new Promise<void>((resolve) => pushers.push(resolve));
      const size = Buffer.byteLength(line.text);
      lines.push(line);
      sizes.push(size);
      waitingBytes += size;
      bytes += size;
      if (lines.length === 1 || isSealed()) wakeTaker();
    },
    close() {
      closed = true;
      wakeTaker();
    },
    async take() {
      while (lines.length === 0) {
        if (closed) return undefined;
        await change();
      }
      let old = false;
      if (!isSealed()) {
        void sleep(limits.batchAge).then(() => {
          old = true;
          wakeTaker();
        });
        while (!isSealed() && !old) await change();
      }
      let count = 0;
      let taken = 0;
      while (count < lines.length && count < limits.batchLines) {
        if (count > 0 && taken + sizes[count]! > limits.batchBytes) break;
        taken += sizes[count++]!;
      }
      const batch = lines.slice(0, count);
      lines = lines.slice(count);
      sizes = sizes.slice(count);
      waitingBytes -= taken;
      return {
        lines: batch,
        bytes: taken,
        release() {
          bytes -= taken;
          for (const wake of pushers.splice(0)) wake();
          wakeTaker();
        },
      };
    },
    bytes: () => bytes,
    isFull,
  };
}
