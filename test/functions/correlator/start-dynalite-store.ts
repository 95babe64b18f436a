import type { AddressInfo } from 'node:net';
import dynalite from 'dynalite';
import type { Store } from '../../../functions/correlator/store.ts';
import { startDynamoDbStore } from './start-dynamodb-store.ts';

/** Stores on a table of dynalite, which runs in this process. */
export async function startDynaliteStore(): Promise<{
  make(now: () => number): Store;
  stop(): Promise<void>;
}> {
  const server = dynalite({ createTableMs: 0 });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { make, close } = await startDynamoDbStore(
    `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  );
  return {
    make,
    async stop() {
      close();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
