import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { afterEach, expect, it, vi } from 'vitest';
import { connectKinesis } from '../../../functions/forwarder/connect-kinesis.ts';

afterEach(() => void vi.unstubAllEnvs());

/** What STS gives, which is over at once. */
const assumed =
  () => `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
  <AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
  <Expiration>${new Date().toISOString()}</Expiration>
</Credentials></AssumeRoleResult></AssumeRoleResponse>`;

it('assumes the role with the keys that are in the file now, not with those of the beginning', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rootspan-'));
  const asked: (string | undefined)[] = [];
  const sts = createServer(({ headers }, response) => {
    asked.push(/Credential=(\w+)/.exec(headers.authorization ?? '')?.[1]);
    response.writeHead(200, { 'content-type': 'text/xml' }).end(assumed());
  });
  sts.listen(0, '127.0.0.1');
  await once(sts, 'listening');
  const credentials = join(folder, 'credentials');
  const keys = (id: string) => `[principal]\naws_access_key_id = ${id}\naws_secret_access_key = s\n`;
  const role = 'role_arn = arn:aws:iam::111111111111:role/put\nsource_profile = principal\n';
  await writeFile(join(folder, 'config'), `[profile stream]\n${role}`);
  for (const [name, value] of Object.entries({
    AWS_CONFIG_FILE: join(folder, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: credentials,
    AWS_PROFILE: 'stream',
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: undefined,
    AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${(sts.address() as AddressInfo).port}`,
  })) {
    vi.stubEnv(name, value);
  }
  const kinesis = connectKinesis({});
  try {
    for (const id of ['AKIAOLD', 'AKIANEW']) {
      await writeFile(credentials, keys(id));
      await kinesis.config.credentials();
    }
    expect(asked).toEqual(['AKIAOLD', 'AKIANEW']);
  } finally {
    kinesis.destroy();
    sts.close();
    sts.closeAllConnections();
    await rm(folder, { recursive: true });
  }
});

const keys = {
  AWS_ACCESS_KEY_ID: 'AKIA',
  AWS_SECRET_ACCESS_KEY: 's',
  AWS_WEB_IDENTITY_TOKEN_FILE: undefined,
};
const webIdentity = {
  AWS_ACCESS_KEY_ID: undefined,
  AWS_SECRET_ACCESS_KEY: undefined,
  AWS_WEB_IDENTITY_TOKEN_FILE: import.meta.filename,
  AWS_ROLE_ARN: 'arn:aws:iam::111111111111:role/put',
};

it.each([
  ['kinesis', keys],
  ['sts', webIdentity],
])('asks %s through the proxy that the environment names', async (service, credentials) => {
  const asked: (string | undefined)[] = [];
  const proxy = createServer().on('connect', ({ url }, socket) => {
    asked.push(url);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  const environment = { ...credentials, AWS_REGION: 'eu-west-1', HTTPS_PROXY: `http://127.0.0.1:${port}` };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const kinesis = connectKinesis(environment);
  try {
    const put = new PutRecordsCommand({ StreamName: 's', Records: [] });
    await expect(kinesis.send(put)).rejects.toThrow();
    expect(new Set(asked)).toEqual(new Set([`${service}.eu-west-1.amazonaws.com:443`]));
  } finally {
    kinesis.destroy();
    proxy.close();
  }
});
