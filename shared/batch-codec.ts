/**
 * What one Kinesis record holds: many observations of one cluster. JSON lines, the first of which says version and
 * cluster, compressed with Zstandard (on recorded clusters as small as gzip and several times as fast; a fourteenth of
 * the JSON). A line each, so that one that cannot be read costs no other; all that cannot are one poison.
 */
import zlib from 'node:zlib';
import * as v from 'valibot';
import { boundCluster } from './bounds.ts';
import { PoisonError } from './errors.ts';
import {
  type Cluster,
  ClusterSchema,
  FormatVersion,
  type Observation,
  parseObservation,
  parseWith,
} from './observation.ts';

/** Bytes before compression: what is not compressible still fits into a record (1 MiB with its key). */
const largestBatch = 512 * 1024;
/** A record that unpacks to more was not written by `encodeBatches`. */
const largestUnpacked = 2 * largestBatch;

const HeaderSchema = v.object({ version: FormatVersion, cluster: ClusterSchema });

export interface Rejected {
  /** Names the field, never its value. */
  reason: string;
  payload: string;
}

export interface EncodedBatches {
  records: Uint8Array[];
  /** Observations too large for a record of their own. */
  rejected: Rejected[];
}

/** In order; the same observations give the same bytes. */
export const encodeBatches = (
  cluster: Cluster,
  observations: Iterable<Observation>,
  maxBytes = largestBatch,
): EncodedBatches =>
  encodeLines(
    cluster,
    Iterator.from(observations).map((observation) => JSON.stringify(observation)),
    maxBytes,
  );

/** Of observations that are JSON already, one a line. */
export function encodeLines(
  cluster: Cluster,
  observations: Iterable<string>,
  maxBytes = largestBatch,
): EncodedBatches {
  const header = JSON.stringify({ version: 1, cluster });
  const headerBytes = Buffer.byteLength(header);
  const encoded: EncodedBatches = { records: [], rejected: [] };
  let lines: string[] = [];
  let size = 0;
  const flush = () => {
    if (lines.length === 0) return;
    encoded.records.push(packBatch(`${header}\n${lines.join('\n')}`));
    lines = [];
    size = 0;
  };
  for (const line of observations) {
    const bytes = Buffer.byteLength(line) + 1;
    if (headerBytes + bytes > maxBytes) {
      encoded.rejected.push({ reason: `larger than ${maxBytes} bytes`, payload: line });
      continue;
    }
    if (headerBytes + size + bytes > maxBytes) flush();
    lines.push(line);
    size += bytes;
  }
  flush();
  return encoded;
}

/** From a batch's lines, the first of which is its header. Node before 22.15 has no Zstandard. */
export const packBatch = (lines: string): Uint8Array => (zlib.zstdCompressSync ?? zlib.gzipSync)(lines);

/** From the lines of poison, which may be more than one record holds: bytes that were no UTF-8 take three times as many. */
export function packPoison(payload: string): Uint8Array[] {
  const [head = '', ...lines] = payload.split('\n');
  const records: Uint8Array[] = [];
  let group = [head];
  let size = 0;
  for (const line of lines) {
    const bytes = Buffer.byteLength(line) + 1;
    if (size + bytes > largestBatch && group.length > 1) {
      records.push(packBatch(group.join('\n')));
      group = [head];
      size = 0;
    }
    group.push(line);
    size += bytes;
  }
  return [...records, packBatch(group.join('\n'))];
}

/** What cannot be read of one record, as one: it is set aside in one piece, whatever is in it. */
export interface PoisonLines {
  count: number;
  /** The first few that differ; each names a field, never its value. */
  reasons: string[];
  /** Under the header of the batch: for `packPoison`, once they can be read. */
  payload: string;
}

export interface DecodedBatch {
  cluster: Cluster;
  observations: Observation[];
  poison: PoisonLines | undefined;
}

/**
 * Lines of one record. The smallest observation has 200 bytes, so that no full batch has more. Smaller: what a forwarder sends is
 * set aside. Larger: a record of a hundred bytes costs a second.
 */
const mostLines = 5_000;
/** Characters. A longer line may hold much that nobody here knows, or nest it too deeply to be written again: that goes. */
const longLine = 4_096;
const mostReasons = 3;
const longestReason = 200;

/**
 * Throws PoisonError for a record that is not a batch at all.
 * @param refuse why a line is not to be taken though it can be read; undefined: it is
 */
export function decodeBatch(
  bytes: Uint8Array,
  refuse: (observation: Observation) => string | undefined = () => undefined,
): DecodedBatch {
  const text = unpack(bytes);
  const headEnd = endOfLine(text, 0);
  const head = text.slice(0, headEnd);
  const header = parseWith(HeaderSchema, parseJson(head));
  if (!header.ok) throw new PoisonError(`batch header: ${header.reason.slice(0, longestReason)}`);
  const observations: Observation[] = [];
  const poison = createPoisonLines(head);
  let lines = 0;
  for (let at = headEnd + 1; at < text.length; lines += 1) {
    if (lines === mostLines) {
      poison.add(`more than ${mostLines} lines`, text.slice(at));
      break;
    }
    const end = endOfLine(text, at);
    const line = text.slice(at, end);
    at = end + 1;
    const parsed = parseObservation(parseJson(line), line.length > longLine);
    const reason = parsed.ok ? refuse(parsed.value) : parsed.reason;
    if (reason !== undefined) poison.add(reason, line);
    else if (parsed.ok) observations.push(parsed.value);
  }
  return { cluster: boundCluster(header.value.cluster), observations, poison: poison.all() };
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}

function createPoisonLines(head: string) {
  const lines: string[] = [];
  const reasons = new Set<string>();
  return {
    add(reason: string, line: string) {
      lines.push(line);
      if (reasons.size < mostReasons) reasons.add(reason.slice(0, longestReason));
    },
    all: (): PoisonLines | undefined =>
      lines.length === 0
        ? undefined
        : { count: lines.length, reasons: [...reasons], payload: [head, ...lines].join('\n') },
  };
}

/** For a person and for the log. */
export const reasonOf = ({ count, reasons }: Pick<PoisonLines, 'count' | 'reasons'>): string =>
  count === 1 ? reasons.join() : `${count} lines: ${reasons.join('; ')}`;

/** By the first bytes. A forwarder on a runtime without Zstandard (Node before 22.15) may send gzip. */
const unpackers = [
  {
    magic: [0x28, 0xb5, 0x2f, 0xfd],
    unpack: (bytes: Uint8Array) =>
      zlib.zstdDecompressSync(bytes, {
        maxOutputLength: largestUnpacked,
        // 8 MB, what each decoder has to take; a frame may ask for 128 MB.
        params: { [zlib.constants.ZSTD_d_windowLogMax]: 23 },
      }),
  },
  {
    magic: [0x1f, 0x8b],
    unpack: (bytes: Uint8Array) => zlib.gunzipSync(bytes, { maxOutputLength: largestUnpacked }),
  },
] as const;

function unpack(bytes: Uint8Array): string {
  const unpacker = unpackers.find(({ magic }) => magic.every((byte, i) => bytes[i] === byte));
  if (unpacker === undefined) throw new PoisonError('not a compressed batch (neither Zstandard nor gzip)');
  try {
    return unpacker.unpack(bytes).toString('utf8');
  } catch (error) {
    throw new PoisonError(
      `not a compressed batch (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`,
    );
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
