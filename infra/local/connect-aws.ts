/** SDK clients for the emulators. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Endpoints } from './start-emulators.ts';

export interface AwsClients {
  kinesis: KinesisClient;
  dynamodb: DynamoDBClient;
  sqs: SQSClient;
  s3: S3Client;
  /** Closes their connections. */
  destroy(): void;
}

export const localRegion = 'us-east-1';
export const localAccount = '000000000000';

/** Region and credentials are made up here: a developer's own AWS profile is never used by mistake. */
export function connectAws(endpoints: Endpoints): AwsClients {
  const common = {
    region: localRegion,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  };
  const kinesis = new KinesisClient({
    ...common,
    endpoint: endpoints.kinesis,
    // The client's default is HTTP/2, which Kinesis emulators do not speak.
    requestHandler: new NodeHttpHandler(),
  });
  const dynamodb = new DynamoDBClient({
    ...common,
    endpoint: endpoints.dynamodb,
  });
  const sqs = new SQSClient({
    ...common,
    endpoint: endpoints.sqs,
    // Else the client asks the host of the queue's URL, sqs.us-east-1.localhost, which not every system resolves.
    useQueueUrlAsEndpoint: false,
  });
  const s3 = new S3Client({ ...common, endpoint: endpoints.s3 });
  return {
    kinesis,
    dynamodb,
    sqs,
    s3,
    destroy() {
      kinesis.destroy();
      dynamodb.destroy();
      sqs.destroy();
      s3.destroy();
    },
  };
}
