/** Chunks of bytes as a connection brings them, to lines: a line may come in many chunks, and a character in two. */

export interface LineSplitter {
  /** The lines that end in the chunk, but for empty ones. Read them all before the next chunk. */
  split(chunk: Buffer): Generator<string, void>;
  /** Whether the line that has begun is longer than any may be. */
  isEndless(): boolean;
  /** What has begun and did not end; empty: nothing. */
  rest(): string;
}

const newline = 0x0a;

/** @param longest bytes */
export function createLineSplitter(longest: number): LineSplitter {
  const begun: Buffer[] = [];
  let begunBytes = 0;
  return {
    *split(chunk) {
      let from = 0;
      for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
        begun.push(chunk.subarray(from, end));
        from = end + 1;
        const line = (begun.length === 1 ? begun[0]! : Buffer.concat(begun)).toString();
        begun.length = begunBytes = 0;
        if (line !== '') yield line;
      }
      if (from === chunk.length) return;
      begun.push(chunk.subarray(from));
      begunBytes += chunk.length - from;
    },
    isEndless: () => begunBytes > longest,
    rest: () => Buffer.concat(begun).toString(),
  };
}
