/**
 * What one Kinesis record holds: many observations of one cluster. JSON lines, the first of which says version and
 * cluster, compressed with Zstandard (on recorded clusters a third smaller than gzip and twice as fast). A line each,
 * so that one that cannot be read costs no other.
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
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
export function encodeBatches(
  cluster: Cluster,
  observations: Iterable<Observation>,
  maxBytes = largestBatch,
): EncodedBatches {
  const header = JSON.stringify({ version: 1, cluster });
  const encoded: EncodedBatches = { records: [], rejected: [] };
  let lines: string[] = [];
  let size = 0;
  const flush = () => {
    if (lines.length === 0) return;
    encoded.records.push(zstdCompressSync(`${header}\n${lines.join('\n')}`));
    lines = [];
    size = 0;
  };
  for (const observation of observations) {
    const line = JSON.stringify(observation);
    const bytes = Buffer.byteLength(line) + 1;
    if (header.length + bytes > maxBytes) {
      encoded.rejected.push({ reason: `larger than ${maxBytes} bytes`, payload: line });
      continue;
    }
    if (header.length + size + bytes > maxBytes) flush();
    lines.push(line);
    size += bytes;
  }
  flush();
  return encoded;
}

export interface DecodedBatch {
  cluster: Cluster;
  observations: Observation[];
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
    else batch.rejected.push({ reason: observation.reason, payload: line });
  }
  return batch;
}

function unpack(bytes: Uint8Array): string {
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: largestUnpacked }).toString('utf8');
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
