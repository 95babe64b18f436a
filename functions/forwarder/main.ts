/** The forwarder's process in a cluster. SIGTERM: it ships what it has read, saves the checkpoint, gives up the Lease. */
import { setFlagsFromString } from 'node:v8';
import { UserError } from '../../shared/errors.ts';
import { readSigner } from '../../shared/sign-batches.ts';
import { connectKinesis } from './connect-kinesis.ts';
import { newDigestKey } from './digest.ts';
import { createKinesisSink } from './kinesis-sink.ts';
import { systemClock as clock } from './kubernetes/clock.ts';
import { createApiServer } from './kubernetes/connect-api-server.ts';
import { createDiscover } from './kubernetes/discover-kinds.ts';
import { findClusterUid } from './kubernetes/find-cluster.ts';
import { lead, leaseDefaults } from './kubernetes/hold-lease.ts';
import { loadKubeConfig } from './kubernetes/load-kube-config.ts';
import { createLookUp } from './kubernetes/look-up-object.ts';
import { postEvent } from './kubernetes/post-event.ts';
import { watchResource } from './kubernetes/watch-resource.ts';
import { createLog, describeError } from './log.ts';
import { readConfig } from './read-config.ts';
import { createForwarder } from './run-forwarder.ts';
import { serveStatus } from './serve-status.ts';

/**
 * Garbage is given back soon. On the command line the flag would also hold the space for new objects at 1 MB, whatever else is asked for
 * (v8 src/flags/flag-definitions.h): a hundred collections a second.
 */
setFlagsFromString('--optimize-for-size');

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const log = createLog((line) => process.stdout.write(line), { least: config.logLevel, now: clock.now });
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

  const api = createApiServer(loadKubeConfig());
  const kinesis = connectKinesis(process.env);
  const pod = { namespace: config.podNamespace, name: config.podName };
  const { random } = Math;
  // Read once: a key that is replaced comes with a new pod.
  const { signingKeyFile } = config;
  const sign =
    signingKeyFile === undefined ? undefined : await readSigner(signingKeyFile, 'SIGNING_KEY_FILE');
  const lease = { ...leaseDefaults, name: config.leaseName, namespace: pod.namespace, identity: pod.name };

  const forwarder = createForwarder(
    (report) => ({
      follow: (resource, options) => watchResource({ api, clock, random, report }, resource, options),
      discover: createDiscover(api, config.kinds),
      lookUp: createLookUp({
        api,
        clock,
        onForbidden: (resource) => report({ type: 'look-ups-refused', resource }),
      }),
      sink: createKinesisSink(kinesis, {
        streamName: config.streamName,
        sleep: (duration, signal) => clock.sleep(duration, signal ?? stop.signal),
        random,
        patience: 'everything',
        onTrouble: (trouble) => report({ type: 'put-again', ...trouble }),
      }),
      sign,
      lead: (run) => lead({ api, clock, random, newDigestKey, report }, lease, stop.signal, run),
      postEvent: (event, at) => postEvent(api, pod, event, at),
    }),
    config,
    { clock, log },
  );
  const status = await serveStatus(config.statusPort, forwarder.status);
  const uid = await findCluster();
  if (uid !== undefined) {
    const { clusterName: name, clusterAttributes: attributes } = config;
    await forwarder.run({
      uid,
      ...(name !== undefined && { name }),
      ...(Object.keys(attributes).length > 0 && { attributes }),
    });
  }
  await status.close();
  kinesis.destroy();
  api.close();

  /** The API server may start after us. */
  async function findCluster(): Promise<string | undefined> {
    while (!stop.signal.aborted) {
      try {
        return await findClusterUid(api, stop.signal);
      } catch (error) {
        if (stop.signal.aborted) break;
        log('warn', 'the namespace kube-system cannot be read', { error: describeError(error) });
        await clock.sleep(2_000 + 2_000 * random(), stop.signal);
      }
    }
    return undefined;
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`rootspan: ${error.message}\n`);
  process.exitCode = 2;
}
