/**
 * The cluster's DNS, which a cluster of bare binaries lacks: A records of Services without an address of their own, from their
 * EndpointSlices, at the address that its kubelets tell each pod. Of all else it says that there is no such name.
 */
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Kubectl } from './kubectl.ts';

/** `clusterDNS` of the kubelets. */
const address = '10.79.0.10';
const domain = 'svc.cluster.local';
/** Types of records; of a Service that has no such record (AAAA) the name is there nonetheless. */
const typeA = 1;
const headerBytes = 12;
/** Bits of a header: an answer, by who knows, to who would have it looked up elsewhere; and what ails it. */
const answered = 0x8580;
const noSuchName = 3;

export async function serveNames(kubectl: Kubectl): Promise<AsyncDisposable> {
  execFileSync('ip', ['address', 'replace', `${address}/32`, 'dev', 'lo']);
  const socket = createSocket('udp4');
  socket.on('message', async (query, { address: from, port }) => {
    const { name, type, end } = readQuestion(query);
    const addresses = await addressesOf(kubectl, name);
    const records = type === typeA ? (addresses ?? []) : [];
    const header = Buffer.from(query.subarray(0, headerBytes));
    header.writeUInt16BE(addresses === undefined ? answered | noSuchName : answered, 2);
    header.writeUInt16BE(records.length, 6);
    header.writeUInt32BE(0, 8);
    socket.send([header, query.subarray(headerBytes, end), ...records.map(recordOf)], port, from);
  });
  socket.bind(53, address);
  await once(socket, 'listening');
  return {
    async [Symbol.asyncDispose]() {
      socket.close();
    },
  };
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = headerBytes;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** Of a Service `NAME.NAMESPACE.svc.cluster.local`; undefined: there is none. */
async function addressesOf(kubectl: Kubectl, name: string): Promise<string[] | undefined> {
  const [service, namespace, ...rest] = name.split('.');
  if (rest.join('.') !== domain) return undefined;
  const list = JSON.parse(
    await kubectl(
      `get endpointslices --namespace ${namespace} -l kubernetes.io/service-name=${service} -o json`,
    ),
  );
  const slices: { endpoints?: { addresses: string[]; conditions: { ready?: boolean } }[] }[] = list.items;
  if (slices.length === 0) return undefined;
  const ready = slices
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter(({ conditions }) => conditions.ready !== false);
  return ready.flatMap(({ addresses }) => addresses);
}

/** An A record of the name that was asked for, for five seconds. */
function recordOf(ip: string): Buffer {
  return Buffer.from([0xc0, headerBytes, 0, typeA, 0, 1, 0, 0, 0, 5, 0, 4, ...ip.split('.').map(Number)]);
}
