/** A process of the benchmark: the API server, and what makes its Events. Parent and child talk in messages. */

import { events, watchedObjects } from '../../../functions/forwarder/kubernetes/watched-resources.ts';
import {
  leases,
  namespaces,
  startFakeApiServer,
} from '../../functions/forwarder/kubernetes/fake-api-server.ts';
import { applications, claims, type LoadSettings, startLoad } from './generate-load.ts';

export type ToCluster = { rate: number };

export type FromCluster =
  | { type: 'ready'; url: string }
  | {
      type: 'state';
      /** Occurrences so far, and requests. */
      made: number;
      requests: number;
      active: number;
      /** Share of its time in which this process was busy: near 1 it is the bottleneck itself. */
      busy: number;
    };

/** Milliseconds, as of an API server with etcd and admission behind it. */
const latency = { least: 10, most: 30 };

const settings = JSON.parse(process.argv[2]!) as LoadSettings;
const server = await startFakeApiServer({
  resources: [events, ...watchedObjects, namespaces, leases, applications, claims],
  latency: () => latency.least + (latency.most - latency.least) * Math.random(),
  // Of each kind; etcd has five minutes, this process the memory for one of 1,000 Events a second and their ends.
  history: 100_000,
});
server.apply(namespaces, { metadata: { name: 'kube-system' } });
const load = startLoad(server, settings);

let utilization = performance.eventLoopUtilization();
const send = (message: FromCluster) => process.connected && process.send!(message);
const requests = () => [...server.requests.values()].reduce((sum, count) => sum + count, 0);
process.on('message', ({ rate }: ToCluster) => load.setRate(rate));
process.on('disconnect', () => process.exit());
setInterval(() => {
  const now = performance.eventLoopUtilization();
  const { utilization: busy } = performance.eventLoopUtilization(now, utilization);
  utilization = now;
  send({ type: 'state', made: load.made(), requests: requests(), active: load.active(), busy });
}, 200);
send({ type: 'ready', url: server.url });
