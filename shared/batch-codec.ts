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
import { type Sign, signedText } from './sign-batches.ts';

/** Bytes before compression: what is not compressible still fits into a record (1 MiB with its key). */
const largestBatch = 512 * 1024;
/** A record that unpacks to more was not written by `encodeBatches`. */
const largestUnpacked = 2 * largestBatch;

/** The partition keys that a cluster may have. Larger: more records that hold nothing but a mark. */
export const mostPartitions = 64;

/** Of a cluster that has several: which one this is, and until when all that came to the forwarder is in this record or before it. */
const MarkSchema = v.object({
  key: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(mostPartitions - 1)),
  keys: v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(mostPartitions)),
  /** Milliseconds since 1970. */
  at: v.pipe(v.number(), v.integer(), v.minValue(0)),
});
export type Mark = v.InferOutput<typeof MarkSchema>;

const HeaderSchema = v.object({
  version: FormatVersion,
  cluster: ClusterSchema,
  signature: v.optional(v.string()),
  mark: v.optional(MarkSchema),
});

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
    { maxBytes },
  );

export interface EncodingSettings {
  /** Before compression. */
  maxBytes?: number;
  /** Where the cluster has a key. */
  sign?: Sign | undefined;
  /** Then there is a record even where there is no observation. */
  mark?: Mark | undefined;
}

/** Of observations that are JSON already, one a line. */
export function encodeLines(
  cluster: Cluster,
  observations: Iterable<string>,
  { maxBytes = largestBatch, sign, mark }: EncodingSettings = {},
): EncodedBatches {
  const headerBytes = Buffer.byteLength(JSON.stringify({ version: 1, cluster, mark }));
  const encoded: EncodedBatches = { records: [], rejected: [] };
  let lines: string[] = [];
  let size = 0;
  const flush = () => {
    if (lines.length === 0 && (mark === undefined || encoded.records.length > 0)) return;
    encoded.records.push(packLines({ cluster, mark }, lines, sign));
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

function packLines(
  { cluster, mark }: { cluster: Cluster; mark: Mark | undefined },
  lines: readonly string[],
  sign: Sign | undefined,
): Uint8Array {
  const text = lines.join('\n');
  const signature = sign?.(signedText(JSON.stringify(cluster), text));
  return packBatch(`${JSON.stringify({ version: 1, cluster, mark, signature })}\n${text}`);
}

/** From a batch's lines, the first of which is its header. Node before 22.15 has no Zstandard. */
export const packBatch = (lines: string): Uint8Array => (zlib.zstdCompressSync ?? zlib.gzipSync)(lines);

/**
 * From the lines of poison, which may be more than one record holds: bytes that were no UTF-8 take three times as many. What its batch
 * was signed with was over all of it, and holds for no part: who brings it back signs with a key of his own.
 */
export function packPoison(payload: string, sign?: Sign): Uint8Array[] {
  const [head = '', ...lines] = payload.split('\n');
  const pack = (group: readonly string[]) => packBatch([signAgain(head, group, sign), ...group].join('\n'));
  const records: Uint8Array[] = [];
  let group: string[] = [];
  let size = 0;
  for (const line of lines) {
    const bytes = Buffer.byteLength(line) + 1;
    if (size + bytes > largestBatch && group.length > 0) {
      records.push(pack(group));
      group = [];
      size = 0;
    }
    group.push(line);
    size += bytes;
  }
  return [...records, pack(group)];
}

/** The header for some of its lines; one that is none stays as it is. */
function signAgain(head: string, lines: readonly string[], sign: Sign | undefined): string {
  const header = parseJson(head);
  if (typeof header !== 'object' || header === null || !('cluster' in header)) return head;
  const signature = sign?.(signedText(JSON.stringify(header.cluster), lines.join('\n')));
  // How far its key was then says nothing of now.
  return JSON.stringify({ ...header, mark: undefined, signature });
}

/** The record as it came, but for how far its key was: of old that says nothing of now. What is no batch stays as it is. */
export function withoutMark(bytes: Uint8Array): Uint8Array {
  let text: string;
  try {
    text = unpack(bytes);
  } catch (error) {
    if (error instanceof PoisonError) return bytes;
    throw error;
  }
  const headEnd = endOfLine(text, 0);
  const header = parseJson(text.slice(0, headEnd));
  if (typeof header !== 'object' || header === null || !('mark' in header)) return bytes;
  return packBatch(`${JSON.stringify({ ...header, mark: undefined })}${text.slice(headEnd)}`);
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
  mark?: Mark;
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

/** Of whom a batch says that it is, and how it proves it. */
export interface Sender {
  cluster: Cluster;
  signature: string | undefined;
  /** What was to be signed; made where somebody asks. */
  signed(): string;
}

/**
 * Throws PoisonError for a record that is not a batch at all, or not of whom it says that it is.
 * @param refuse why a line is not to be taken though it can be read; undefined: it is
 * @param doubt why its sender is not who it says that it is; undefined: it is
 */
export function decodeBatch(
  bytes: Uint8Array,
  refuse: (observation: Observation) => string | undefined = () => undefined,
  doubt: (sender: Sender) => string | undefined = () => undefined,
): DecodedBatch {
  const text = unpack(bytes);
  const headEnd = endOfLine(text, 0);
  const head = text.slice(0, headEnd);
  const written = parseJson(head);
  const header = parseWith(HeaderSchema, written);
  if (!header.ok) throw new PoisonError(`batch header: ${header.reason.slice(0, longestReason)}`);
  const cluster = boundCluster(header.value.cluster);
  const doubts = doubt({
    cluster,
    signature: header.value.signature,
    // As it was written, with what nobody here knows of it.
    signed: () =>
      signedText(JSON.stringify((written as { cluster: unknown }).cluster), text.slice(headEnd + 1)),
  });
  if (doubts !== undefined) throw new PoisonError(doubts);
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
  const { mark } = header.value;
  return { cluster, observations, poison: poison.all(), ...(mark !== undefined && { mark }) };
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
