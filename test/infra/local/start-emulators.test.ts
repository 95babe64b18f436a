import { once } from 'node:events';
import { connect } from 'node:net';
import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListStreamsCommand } from '@aws-sdk/client-kinesis';
import { ListQueuesCommand } from '@aws-sdk/client-sqs';
import { expect, it } from 'vitest';
import { connectAws } from '../../../infra/local/connect-aws.ts';
import { startEmulators } from '../../../infra/local/start-emulators.ts';

it('a client that hangs up in the middle of a request takes nothing along', async () => {
  const emulators = await startEmulators();
  for (const endpoint of Object.values(emulators.endpoints)) {
    const { hostname, port } = new URL(endpoint);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    // Two requests: the answer to the first says that the second has arrived as well.
    socket.write(
      'GET / HTTP/1.1\r\nHost: x\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{',
    );
    await once(socket, 'data');
    socket.destroy();
    await once(socket, 'close');
  }
  const aws = connectAws(emulators.endpoints);
  expect((await aws.kinesis.send(new ListStreamsCommand({}))).StreamNames).toEqual([]);
  expect((await aws.dynamodb.send(new ListTablesCommand({}))).TableNames).toEqual([]);
  expect((await aws.sqs.send(new ListQueuesCommand({}))).QueueUrls ?? []).toEqual([]);
  aws.destroy();
  await emulators.stop();
});
