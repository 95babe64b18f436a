/**
 * What one Kinesis record holds: many observations of one cluster. JSON lines, the first of which says version and
 * cluster, compressed with Zstandard (on recorded clusters as small as gzip and several times as fast; a fourteenth of
 * the JSON). A line each, so that one that cannot be read costs no other.
 */
import { gunzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import * as v from 'valibot';
import { PoisonError } from './errors.ts';
import { type Cluster, ClusterSchema, type Observation, parseObservation, parseWith } from './observation.ts';

/** Bytes before compression: what is not compressible still fits into a record (1 MiB with its key). */
const largestBatch = 512 * 1024;
/** A record that unpacks to more was not written by `encodeBatches`. */
const largestUnpacked = 2 * largestBatch;

const HeaderSchema = v.object({ version: v.literal(1), cluster: ClusterSchema });

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

/** From a batch's lines, the first of which is its header. */
export const packBatch = (lines: string): Uint8Array => zstdCompressSync(lines);

export interface DecodedBatch {
  cluster: Cluster;
  observations: Observation[];
  /** The lines that cannot be read, each under the header of the batch: for `packBatch`, once they can be. */
  rejected: Rejected[];
}

/** Throws PoisonError for a record that is not a batch at all. */
export function decodeBatch(bytes: Uint8Array): DecodedBatch {
  const [head = '', ...lines] = unpack(bytes).split('\n');
  const header = parseWith(HeaderSchema, parseJson(head));
  if (!header.ok) throw new PoisonError(`batch header: ${header.reason}`);
  const batch: DecodedBatch = { cluster: header.value.cluster, observations: [], rejected: [] };
  for (const line of lines) {
    const observation = parseObservation(parseJson(line));
    if (observation.ok) batch.observations.push(observation.value);
    else batch.rejected.push({ reason: observation.reason, payload: `${head}\n${line}` });
  }
  return batch;
}

/** By the first bytes. A forwarder on a runtime without Zstandard (Node before 22.15) may send gzip. */
const unpackers = [
  { magic: [0x28, 0xb5, 0x2f, 0xfd], unpack: zstdDecompressSync },
  { magic: [0x1f, 0x8b], unpack: gunzipSync },
] as const;

function unpack(bytes: Uint8Array): string {
  const unpacker = unpackers.find(({ magic }) => magic.every((byte, i) => bytes[i] === byte));
  if (unpacker === undefined) throw new PoisonError('not a compressed batch (neither Zstandard nor gzip)');
  try {
    return unpacker.unpack(bytes, { maxOutputLength: largestUnpacked }).toString('utf8');
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
