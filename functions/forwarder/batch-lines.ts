/**
 * The one way from all watches to the stream: lines in, batches out. Bounded in bytes, those on their way included; when
 * it is full nobody reads on, and the API server keeps what is next.
 */

/** An observation on its way. */
export interface Line {
  type: 'event' | 'object';
  /** JSON of the observation. */
  text: string;
  /** Whose it is, where the cluster has several partition keys (find-partition.ts). */
  root?: string;
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
  const channel: Channel = {
    limits,
    lines: [],
    sizes: [],
    waitingBytes: 0,
    bytes: 0,
    closed: false,
    pushers: [],
    taker: undefined,
  };
  return {
    push: (line) => pushLine(channel, line),
    close() {
      channel.closed = true;
      wakeTaker(channel);
    },
    async take() {
      while (channel.lines.length === 0) {
        if (channel.closed) return undefined;
        await nextChange(channel);
      }
      await filledOrOld(channel, sleep);
      return takeBatch(channel);
    },
    bytes: () => channel.bytes,
    isFull: () => isFull(channel),
  };
}

interface Channel {
  readonly limits: BatchLimits;
  /** Pushed and not taken, each with its size. */
  lines: Line[];
  sizes: number[];
  waitingBytes: number;
  /** With those that were taken and are not released. */
  bytes: number;
  closed: boolean;
  /** Each waits for room. */
  readonly pushers: (() => void)[];
  /** Waits for what is next. */
  taker: (() => void) | undefined;
}

const isFull = ({ bytes, limits }: Channel): boolean => bytes >= limits.channelBytes;

/** Nothing would make the next batch a better one. */
const isSealed = (channel: Channel): boolean =>
  channel.closed ||
  channel.lines.length >= channel.limits.batchLines ||
  channel.waitingBytes >= channel.limits.batchBytes ||
  isFull(channel);

function wakeTaker(channel: Channel): void {
  channel.taker?.();
  channel.taker = undefined;
}

function nextChange(channel: Channel): Promise<void> {
  return new Promise((resolve) => {
    channel.taker = resolve;
  });
}

async function pushLine(channel: Channel, line: Line): Promise<void> {
  // Once woken it may find that another was faster.
  while (isFull(channel)) await new Promise<void>((resolve) => channel.pushers.push(resolve));
  const size = Buffer.byteLength(line.text);
  channel.lines.push(line);
  channel.sizes.push(size);
  channel.waitingBytes += size;
  channel.bytes += size;
  if (channel.lines.length === 1 || isSealed(channel)) wakeTaker(channel);
}

/** Until the batch is full, or its first line has waited for long enough. */
async function filledOrOld(channel: Channel, sleep: (duration: number) => Promise<unknown>): Promise<void> {
  if (isSealed(channel)) return;
  let isOld = false;
  void sleep(channel.limits.batchAge).then(() => {
    isOld = true;
    wakeTaker(channel);
  });
  while (!isSealed(channel) && !isOld) await nextChange(channel);
}

function takeBatch(channel: Channel): Batch {
  const { limits, lines, sizes } = channel;
  const { count, bytes: taken } = findFitting(sizes, limits);
  channel.lines = lines.slice(count);
  channel.sizes = sizes.slice(count);
  channel.waitingBytes -= taken;
  return {
    lines: lines.slice(0, count),
    bytes: taken,
    release() {
      channel.bytes -= taken;
      for (const wake of channel.pushers.splice(0)) wake();
      wakeTaker(channel);
    },
  };
}

/** How many of the next lines a batch takes: at least one, whatever its size. */
export function findFitting(
  sizes: readonly number[],
  { batchLines, batchBytes }: Pick<BatchLimits, 'batchLines' | 'batchBytes'>,
): { count: number; bytes: number } {
  let count = 0;
  let bytes = 0;
  while (count < sizes.length && count < batchLines) {
    if (count > 0 && bytes + sizes[count]! > batchBytes) break;
    bytes += sizes[count++]!;
  }
  return { count, bytes };
}
