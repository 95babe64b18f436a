/**
 * The forwarder's image, as its Dockerfile says, and a registry that has nothing else. The base image cannot be pulled here:
 * in its place stand Node as it runs here, the libraries that it is linked with, and no other file.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { readImage } from '../../functions/forwarder/read-image.ts';

const bundle = resolve(import.meta.dirname, '../../../dist/forwarder.mjs');
const node = '/nodejs/bin/node';
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const configType = 'application/vnd.oci.image.config.v1+json';
const layerType = 'application/vnd.oci.image.layer.v1.tar';

export interface ImageRegistry extends AsyncDisposable {
  /** Of the image, without a tag: each tag is this image. A node on this machine pulls it by HTTP, as from each registry of its own. */
  repository: string;
}

export async function serveImage(): Promise<ImageRegistry> {
  const { manifest, blobs } = packImage();
  const server = createServer(({ method, url = '' }, response) => {
    const [, what, reference = ''] = /^\/v2\/rootspan-forwarder\/(manifests|blobs)\/([^/]+)$/.exec(url) ?? [];
    const isTag = what === 'manifests' && !reference.startsWith('sha256:');
    const body = isTag ? manifest : blobs.get(reference);
    if (body === undefined) return void response.writeHead(url === '/v2/' ? 200 : 404).end();
    response.writeHead(200, {
      'content-type': body === manifest ? manifestType : 'application/octet-stream',
      'content-length': body.length,
      'docker-content-digest': digestOf(body),
    });
    response.end(method === 'HEAD' ? undefined : body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    repository: `127.0.0.1:${(server.address() as AddressInfo).port}/rootspan-forwarder`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

function packImage() {
  const layer = packFiles({ [node]: process.execPath, '/app/forwarder.mjs': bundle, ...librariesOfNode() });
  const { flags, environment } = readImage();
  const config = toBytes({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: {
      User: '65532:65532',
      Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      Entrypoint: [node, ...flags, '/app/forwarder.mjs'],
    },
    rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
  });
  const blobOf = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const manifest = toBytes({
    schemaVersion: 2,
    mediaType: manifestType,
    config: blobOf(configType, config),
    layers: [blobOf(layerType, layer)],
  });
  return { manifest, blobs: new Map([manifest, config, layer].map((bytes) => [digestOf(bytes), bytes])) };
}

const toBytes = (value: object) => Buffer.from(JSON.stringify(value));

/** Where each stands in the image, and here. */
function librariesOfNode(): Record<string, string> {
  const linked = execFileSync('ldd', [process.execPath], { encoding: 'utf8' });
  return Object.fromEntries([...linked.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => [path!, path!]));
}

/** A layer of these files; they belong to root, and everybody may read them. */
function packFiles(files: Record<string, string>): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'rootspan-image-'));
  try {
    for (const [path, from] of Object.entries(files)) {
      mkdirSync(join(folder, 'root', dirname(path)), { recursive: true });
      copyFileSync(from, join(folder, 'root', path));
    }
    const owner = ['--owner=0', '--group=0', '--numeric-owner', '--mode=a+rX'];
    execFileSync('tar', ['-C', join(folder, 'root'), ...owner, '-cf', join(folder, 'layer.tar'), '.']);
    return readFileSync(join(folder, 'layer.tar'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
