/**
 * Kinesis, DynamoDB, SQS and S3 in this process, in memory, each on a port of the system's choice. What they cannot do
 * (throttling, TTL, transactions, on-demand streams) is no part of the embedded default.
 */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AbstractValueIterator } from 'abstract-level';
import dynalite from 'dynalite';
import { buildApp } from 'fauxqs';
import kinesalite from 'kinesalite';

/** Base URLs on 127.0.0.1. */
export interface Endpoints {
  kinesis: string;
  dynamodb: string;
  sqs: string;
  s3: string;
}

export interface Emulators {
  endpoints: Endpoints;
  /** Ends all of them, with what they hold and the connections to them. May be called again. */
  stop(): Promise<void>;
}

const host = '127.0.0.1';

/**
 * dynalite ends its streams by return() of iterators that have only close() (dynalite 4.0.0, db/index.js, createValueStream):
 * each query would keep, for ever, the whole table as it was at that time.
 */
function closeIterators(): void {
  const iterators: { close(): Promise<void>; return?(): Promise<void> } = AbstractValueIterator.prototype;
  iterators.return ??= function () {
    return this.close();
  };
}

/** Rejects, with nothing left running, where one of them does not start. */
export async function startEmulators(): Promise<Emulators> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    await Promise.all(stops.splice(0).map((one) => one()));
  };
  closeIterators();
  try {
    const kinesis = await listen(
      kinesalite({ createStreamMs: 0, updateStreamMs: 0, shardLimit: 100 }),
      stops,
    );
    const dynamodb = await listen(dynalite({ createTableMs: 0 }), stops);
    // Not startFauxqs(): that listens on all interfaces, whatever its `host`, and takes settings from the environment.
    const app = buildApp({ logger: false });
    stops.push(() => app.close());
    const sqs = await app.listen({ port: 0, host });
    // It has S3 as well, on the same port.
    return { endpoints: { kinesis, dynamodb, sqs, s3: sqs }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function listen(server: Server, stops: (() => Promise<void>)[]): Promise<string> {
  // Both emulators throw from a request's error listener: a client that hangs up would take this process along.
  server.on('request', (request) => {
    request.removeAllListeners('error');
    request.on('error', () => undefined);
  });
  server.listen(0, host);
  await once(server, 'listening');
  stops.push(() => close(server));
  return `http://${host}:${(server.address() as AddressInfo).port}`;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    // close() alone waits for idle keep-alive connections, and clients hold those for long.
    server.closeAllConnections();
  });
}
