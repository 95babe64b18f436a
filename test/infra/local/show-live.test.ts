/** `rootspan start --live`: what it draws, and where its page is. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { createApiServer } from '../../../functions/forwarder/kubernetes/connect-api-server.ts';
import { events, watchedObjects } from '../../../functions/forwarder/kubernetes/watched-resources.ts';
import { drawTraces, showLive } from '../../../infra/local/show-live.ts';
import { createRecordWriter } from '../../../infra/local/write-records.ts';
import {
  type FakeApiServer,
  namespaces,
  pods,
  startFakeApiServer,
} from '../../functions/forwarder/kubernetes/fake-api-server.ts';
import { makeRollout } from '../../spans.ts';
import { captureCommand } from '../../support/capture-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'rootspan-show-live-'));
afterAll(() => rmSync(folder, { recursive: true }));

const context = 'arn:aws:eks:eu-west-1:111111111111:cluster/prod';

/** Each kind is watched, so that what there was is listed and read. */
async function untilWatched({ queries }: FakeApiServer): Promise<void> {
  const watched = () => queries.filter((query) => query.includes('watch=')).length;
  while (watched() <= watchedObjects.length) await sleep(50);
  // On its way into the stream.
  await sleep(1_000);
}

/** Follows a cluster with one Event; then Ctrl-C. */
async function follow(workingDirectory: string) {
  await using server = await startFakeApiServer();
  server.apply(namespaces, { metadata: { name: 'kube-system' } });
  const { metadata } = server.apply(pods, { metadata: { namespace: 'shop', name: 'web-1' } });
  const { uid } = metadata as { uid: string };
  server.apply(events, {
    metadata: { namespace: 'shop', name: 'web-1.1' },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'web-1', uid },
    reason: 'Pulled',
    message: 'Container image is there',
    type: 'Normal',
    source: { component: 'kubelet', host: 'n1' },
    firstTimestamp: new Date().toISOString(),
    lastTimestamp: new Date().toISOString(),
    count: 1,
  });
  const api = createApiServer(server.kubeConfig());
  const connected = { api, address: server.url, context, namespace: 'default' };
  const file = join(folder, 'changes.jsonl');
  const records = createRecordWriter(file, 'changes.jsonl', {});
  const stop = new AbortController();
  void untilWatched(server).then(() => stop.abort());
  const captured = await captureCommand(
    (command) =>
      showLive(
        { ...command, untilStopped: stop.signal },
        { ...connected },
        { namespaces: undefined, records, traceUrl: undefined },
      ),
    workingDirectory,
  );
  const [, page] = /Look at them: (\S+)\n$/.exec(captured.stdout) ?? [];
  return { ...captured, page: new URL(page!), hasRecords: existsSync(file) };
}

describe('the page of a run', () => {
  it('names its cluster whole, in its commands as well', async () => {
    const { page, hasRecords } = await follow(folder);
    const html = readFileSync(page, 'utf8');
    expect(html).toContain(`(context ${context}) · Rootspan</title>`);
    expect(html).toContain(`"context":"${context}"`);
    expect(html).toContain('Pod.Pulled');
    expect(hasRecords).toBe(true);
  });

  it('is in a temporary folder where it cannot be written here', async () => {
    const { page, stderr, exit } = await follow(join(folder, 'nowhere'));
    expect(stderr).toContain('rootspan: the page cannot be written (ENOENT');
    expect(readFileSync(page, 'utf8')).toContain('Pod.Pulled');
    rmSync(new URL('.', page), { recursive: true });
    expect(exit).toBe(0);
  });
});

describe('traces that are over', () => {
  const drawn = async (replicas: number) =>
    (await captureCommand((command) => drawTraces(command, makeRollout({ name: 'web', replicas })))).stdout;

  it('are drawn', async () => {
    expect(await drawn(2)).toContain('Deployment.');
  });

  it('so many that nobody reads them are counted', async () => {
    expect(await drawn(500)).toMatch(
      /^\n1 trace, \d{4} spans at once, more than a terminal shows; the page has them\.\n$/,
    );
  });
});
