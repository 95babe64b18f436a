/** An OTLP/HTTP backend in this process: takes OTLP in JSON or protobuf and gives back spans as they were before the exporter. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { compareSpans, type Span } from '../../shared/span.ts';
import type { SpanKeeper } from './keep-recent.ts';
import { readOtlpProtobuf } from './read-otlp-protobuf.ts';
import { readOtlpSpans } from './read-otlp-spans.ts';

export interface OtlpReceiver {
  /** Where spans are posted to: `http://127.0.0.1:PORT/v1/traces`. */
  endpoint: string;
  /** One for each span that was accepted and is kept, also where one came twice; in the order of compareSpans. */
  spans(): Span[];
  /** What to answer from now on; undefined: take everything. What is answered otherwise is not kept. */
  respondWith(script: ((request: OtlpRequest) => OtlpAnswer) | undefined): void;
  /** Ends it with all its connections, hanging ones too. May be called again. */
  stop(): Promise<void>;
}

export interface OtlpRequest {
  headers: IncomingHttpHeaders;
  spans: readonly Span[];
  /** Requests before this one. */
  index: number;
}

export type OtlpAnswer =
  | { kind: 'accept' }
  /** `keep`: takes the spans as well, as a backend does that answers too late or in part. */
  | {
      kind: 'status';
      status: number;
      headers?: Record<string, string>;
      body?: string;
      keep?: boolean;
    }
  /** Never answers. */
  | { kind: 'hang'; keep?: boolean }
  /** Cuts the connection. */
  | { kind: 'reset'; keep?: boolean };

/** Bytes, zipped and unzipped: far above what one request should hold. */
const largestBody = 64 * 1024 * 1024;

const unzip = promisify(gunzip);

/** What the receiver has, and what it is to answer. */
interface Receiving {
  readonly kept: SpanKeeper;
  script: ((request: OtlpRequest) => OtlpAnswer) | undefined;
  /** Of requests that a script answered. */
  count: number;
}

/** @param kept all of them, where nobody says otherwise */
export async function startOtlpReceiver(kept: SpanKeeper = keepAll()): Promise<OtlpReceiver> {
  const receiving: Receiving = { kept, script: undefined, count: 0 };
  const server = createServer((request, response) => receive(receiving, request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  let stopped: Promise<unknown> | undefined;
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    spans: () => kept.spans().toSorted(compareSpans),
    respondWith(next) {
      receiving.script = next;
    },
    async stop() {
      stopped ??= new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await stopped;
    },
  };
}

function receive(receiving: Receiving, request: IncomingMessage, response: ServerResponse): void {
  const mistake = findMistake(request);
  if (mistake !== undefined) {
    request.resume();
    reply(response, mistake.status, mistake.message, { connection: 'close' });
    return;
  }
  takeSpans(receiving, request, response).catch((error: unknown) => {
    if (request.destroyed && !request.complete) return;
    const status = error instanceof BodyTooLarge ? 413 : 400;
    reply(response, status, error instanceof Error ? error.message : String(error), { connection: 'close' });
    request.resume();
  });
}

async function takeSpans(
  receiving: Receiving,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request);
  const isJson = typeOf(request) === 'application/json';
  const spans = readOtlpSpans(isJson ? JSON.parse(body.toString()) : readOtlpProtobuf(body));
  const { headers } = request;
  const answer = receiving.script?.({ headers, spans, index: receiving.count++ }) ?? { kind: 'accept' };
  if (answer.kind === 'accept' || answer.keep) receiving.kept.add(spans);
  switch (answer.kind) {
    case 'accept':
      reply(response, 200, '{}');
      break;
    case 'status':
      reply(response, answer.status, answer.body ?? '{}', answer.headers);
      break;
    case 'hang':
      break;
    case 'reset':
      request.socket.resetAndDestroy();
      break;
    default:
      answer satisfies never;
  }
}

function keepAll(): SpanKeeper {
  const received: Span[] = [];
  return {
    add(spans) {
      for (const span of spans) received.push(span);
    },
    spans: () => received,
  };
}

class BodyTooLarge extends Error {}

function findMistake(request: IncomingMessage): { status: number; message: string } | undefined {
  if (request.url?.split('?')[0] !== '/v1/traces') return { status: 404, message: 'post to /v1/traces' };
  if (request.method !== 'POST') return { status: 405, message: 'POST only' };
  if (!['application/json', 'application/x-protobuf'].includes(typeOf(request) ?? ''))
    return { status: 415, message: 'OTLP as application/json or application/x-protobuf' };
  if (!['gzip', 'identity', undefined].includes(request.headers['content-encoding'])) {
    return { status: 415, message: 'gzip or nothing' };
  }
  return undefined;
}

const typeOf = (request: IncomingMessage): string | undefined =>
  request.headers['content-type']?.split(';')[0]?.trim();

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({
    destroyOnReturn: false,
  }) as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > largestBody) throw new BodyTooLarge(`more than ${largestBody} bytes`);
    chunks.push(chunk);
  }
  const raw = Buffer.concat(chunks);
  if (request.headers['content-encoding'] !== 'gzip') return raw;
  try {
    return await unzip(raw, { maxOutputLength: largestBody });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new BodyTooLarge(`more than ${largestBody} bytes unzipped`);
    throw error;
  }
}

function reply(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}
