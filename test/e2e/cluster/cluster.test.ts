/**
 * The forwarder in a real cluster: a control plane, three nodes, real pods; kubectl changes things and is the witness of
 * what happened; what comes out of the whole pipeline is compared with that. Then the same while things break.
 */
import { spawn } from 'node:child_process';
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultThresholds } from '../../../functions/correlator/thresholds.ts';
import { endOfTime, explain } from '../../../infra/local/explain.ts';
import { type Pipeline, startPipeline } from '../../../infra/local/start-pipeline.ts';
import type { Span } from '../../../shared/span.ts';
import { beginRollout, changesMade, changeThings } from './change-things.ts';
import { type StreamGate, startStreamGate } from './gate-stream.ts';
import { createKubectl, type Kubectl, startWitness } from './kubectl.ts';
import { type ForwarderProcess, startForwarder } from './run-forwarder-process.ts';

const {
  KUBECONFIG: kubeconfig = '',
  ROOTSPAN_RENDERED_CHART: chart = '',
  ROOTSPAN_OUTAGE_SECONDS: outage,
} = process.env;
const namespace = 'rootspan';
const outageSeconds = Number(outage ?? 300);

/** Milliseconds since 1970: from then on all traces are closed, whatever their age. */
let closedFrom = Number.POSITIVE_INFINITY;
let kubectl: Kubectl;
let pipeline: Pipeline;
let gate: StreamGate;
let serviceAccount: string;
const defects: unknown[] = [];
const report: string[] = [];

const start = () =>
  startForwarder({
    kubeconfig: serviceAccount,
    stream: { ...pipeline.stream, endpoint: gate.endpoint },
    namespace,
    clusterName: 'e2e',
  });

beforeAll(async () => {
  kubectl = createKubectl('kubectl', kubeconfig);
  await kubectl('apply -f -', await readFile(chart, 'utf8'));
  serviceAccount = await kubeconfigOfServiceAccount();
  pipeline = await startPipeline({
    // Shorter than in AWS, where nobody sits and waits; reviews come soon once all is closed.
    thresholds: { ...defaultThresholds, quiet: 12, maxWait: 120, registration: 5 },
    now: Date.now,
    assemblyClock: () => (Date.now() > closedFrom ? endOfTime : BigInt(Date.now()) * 1_000_000n),
    onRemark: () => {},
    onTrouble: (trouble) => defects.push(trouble),
    onDefect: (defect) => defects.push(defect),
  });
  gate = await startStreamGate(pipeline.stream.endpoint);
  pipeline.startSettling();
});

afterAll(async () => {
  console.log(`\n${report.join('\n')}\n`);
  await kubectl?.('delete namespace calm broken-1 broken-2 broken-3 --ignore-not-found --wait=false');
  await gate?.[Symbol.asyncDispose]();
  await pipeline?.[Symbol.asyncDispose]();
});

describe('what kubectl did and saw is what the traces say', () => {
  it('while nothing breaks: every span, each where it belongs', async () => {
    const forwarder = await start();
    await ready(forwarder);
    const before = new Set(pipeline.spans().map(({ spanId }) => spanId));
    const witness = await startWitness(kubectl);
    await changeThings(kubectl, { namespace: 'calm', node: 'n2' });
    await sleep(3_000);
    witness.stop();
    report.push(`RSS of the forwarder: ${((await forwarder.rss()) / 1e6).toFixed(0)} MB`);
    await forwarder.stop();
    const got = (await settled()).filter(({ spanId }) => !before.has(spanId));
    const expected = explain(witness.observations);
    const about = (spans: readonly Span[]) => spans.filter(isOf('calm'));
    report.push(`calm: ${about(expected).length} spans expected, ${about(got).length} came`);
    expect(edgesOf(about(got))).toEqual(edgesOf(about(expected)));
    expect(changesIn(about(got))).toEqual(changesMade);
    const names = new Set(about(got).map(({ name }) => name));
    for (const name of ['Pod.Ready', 'Pod.Terminated']) expect(names).toContain(name);
  });

  it('while the API server restarts, replicas die and fight, and the stream throttles and goes away', async () => {
    const known = new Set((await eventsInCluster()).map(({ key }) => key));
    const forwarders: ForwarderProcess[] = [await start(), await start()];
    for (const forwarder of forwarders) await ready(forwarder);
    const change = async (round: number) => {
      await changeThings(kubectl, { namespace: `broken-${round}`, node: 'n3' });
    };
    const failovers: number[] = [];
    const crashAndReplace = async () => {
      const [victim] = forwarders.splice(Math.random() < 0.5 ? 0 : 1, 1);
      const led = (await figure(victim!, 'leader')) === 1;
      await victim!.crash();
      const crashedAt = Date.now();
      if (led) {
        while ((await figure(forwarders[0]!, 'leader')) !== 1) await sleep(100);
        failovers.push((Date.now() - crashedAt) / 1000);
      }
      forwarders.push(await start());
    };

    const changes = (async () => {
      await change(1);
      await change(2);
    })();
    await sleep(10_000);
    gate.mode = 'throttled';
    for (let i = 0; i < 6; i++) {
      await sleep(8_000);
      await crashAndReplace();
    }
    gate.mode = 'away';
    await sleep(outageSeconds * 1000);
    gate.mode = 'open';
    await changes;
    await untilLagIsGone(forwarders);
    const rolledOut = await beginRollout(kubectl, 'broken-3');
    await restartApiServer();
    await rolledOut();
    await sleep(30_000);
    await untilLagIsGone(forwarders);
    const there = await eventsInCluster();
    // Those who run the cluster have heard of it there, too.
    if (outageSeconds > 90) {
      const own = there
        .filter(({ what }) => what.includes('forwarder-'))
        .map(({ what }) => what.split(' ')[0]);
      expect(own).toEqual(expect.arrayContaining(['Pod.CannotShip', 'Pod.ShippingAgain']));
    }
    for (const forwarder of forwarders) await forwarder.stop();
    const spans = await settled();
    const came = new Set(
      spans.map((span) => `${span.attributes['k8s.event.uid']}/${span.attributes['k8s.event.count']}`),
    );
    const missing = there.filter(({ key }) => !known.has(key) && !came.has(key));
    report.push(
      `the next one led ${failovers.map((seconds) => seconds.toFixed(1)).join(', ')} s after kill -9`,
    );
    report.push(
      `broken: ${there.length - known.size} Events at their last count, ${missing.length} missing;` +
        ` calls to the stream: ${JSON.stringify(gate.calls)}`,
    );
    expect(missing).toEqual([]);
    expect(differing(pipeline.spans())).toEqual([]);
    expect(defects).toEqual([]);
  });
});

/** A span that was sent twice is the same, byte for byte. */
function differing(spans: readonly Span[]): string[] {
  const first = new Map<string, string>();
  const bad: string[] = [];
  let twice = 0;
  for (const span of spans) {
    const text = JSON.stringify(span);
    const before = first.get(span.spanId);
    if (before === undefined) first.set(span.spanId, text);
    else if (before === text) twice++;
    else bad.push(`${before}\n${text}`);
  }
  report.push(`${first.size} spans in all, ${twice} of them sent twice`);
  return bad;
}

const isOf =
  (name: string) =>
  ({ attributes }: Span): boolean =>
    attributes['k8s.namespace.name'] === name;

/** Verbs of the roots of what somebody changed, by object, in order. */
function changesIn(spans: readonly Span[]): Record<string, string[]> {
  const changed = spans
    .filter(({ attributes: { 'k8s.object.kind': kind, ...attributes } }) => {
      const isChange = attributes['rootspan.change.operation'] !== undefined;
      // A run of the CronJob, and what was made for the namespace, are nobody's command.
      return isChange && kind !== 'Job';
    })
    .sort((a, b) => (BigInt(a.startTimeUnixNano) < BigInt(b.startTimeUnixNano) ? -1 : 1));
  const byObject = Map.groupBy(
    changed,
    ({ name, attributes }) => `${name.split('.')[0]} ${attributes['k8s.object.name']}`,
  );
  return Object.fromEntries(
    [...byObject].map(([object, roots]) => [object, roots.map(({ name }) => name.split('.')[1]!)]),
  );
}

/** A line for each span: where it hangs, in names that a person can read. */
function edgesOf(spans: readonly Span[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const nameOf = (span: Span) =>
    `${span.name} ${span.attributes['k8s.object.name']} ×${span.attributes['k8s.event.count'] ?? '-'} ${span.spanId}`;
  return spans
    .map((span) => {
      const parent = span.parentSpanId === null ? undefined : byId.get(span.parentSpanId);
      return `${nameOf(span)} < ${span.parentSpanId === null ? span.traceId : parent ? nameOf(parent) : span.parentSpanId}`;
    })
    .sort();
}

/** All that was filed, as spans; what came twice, as it may on a busy machine, once. */
async function settled(): Promise<Span[]> {
  await pipeline.ingested();
  await sleep(15_000);
  closedFrom = Date.now();
  await pipeline.settled();
  await pipeline.exported();
  closedFrom = Number.POSITIVE_INFINITY;
  return [...new Map(pipeline.spans().map((span) => [span.spanId, span])).values()];
}

async function ready({ statusUrl, log }: ForwarderProcess): Promise<void> {
  for (let i = 0; i < 200; i++) {
    const answer = await fetch(`${statusUrl}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(250);
  }
  throw new Error(`the forwarder does not get ready:\n${log.join('\n')}`);
}

/** Of its /metrics. */
async function figure({ statusUrl }: ForwarderProcess, name: string): Promise<number> {
  const text = await (await fetch(`${statusUrl}/metrics`)).text();
  return Number(new RegExp(`^rootspan_forwarder_${name} (\\S+)`, 'm').exec(text)?.[1]);
}

/** Until whoever leads has nothing left to ship. */
async function untilLagIsGone(forwarders: readonly ForwarderProcess[]): Promise<void> {
  for (let i = 0; i < 120; i++) {
    const waiting = await Promise.all(forwarders.map((forwarder) => figure(forwarder, 'channel_bytes')));
    if (waiting.every((bytes) => bytes === 0)) return;
    await sleep(1_000);
  }
  throw new Error('the forwarders keep something back');
}

async function eventsInCluster(): Promise<{ key: string; what: string }[]> {
  const list = JSON.parse(await kubectl('get --raw /api/v1/events'));
  return list.items.map((event: Record<string, never>) => {
    const { metadata, count, series, reason, involvedObject } = event as Record<
      string,
      Record<string, unknown>
    >;
    return {
      key: `${metadata!.uid}/${count || (series?.count ?? 1)}`,
      what: `${involvedObject!.kind}.${reason} ${involvedObject!.namespace}/${involvedObject!.name}`,
    };
  });
}

/** As the pod has it: a token in a file, which the API server gave for an hour. */
async function kubeconfigOfServiceAccount(): Promise<string> {
  const token = (await kubectl(`create token rootspan-forwarder --namespace ${namespace}`)).trim();
  const [path, tokenPath] = ['kubeconfig.json', 'token'].map((name) =>
    join(tmpdir(), `rootspan-e2e-${process.pid}-${name}`),
  ) as [string, string];
  const admin = JSON.parse(await kubectl('config view --raw -o json'));
  await writeFile(tokenPath, token, { mode: 0o600 });
  // As client-node has it in a pod.
  const provider = { name: 'tokenFile', config: { tokenFile: tokenPath } };
  const user = { name: 'forwarder', user: { 'auth-provider': provider } };
  const context = { name: 'e2e', context: { cluster: admin.clusters[0].name, user: user.name } };
  await writeFile(
    path,
    JSON.stringify({ ...admin, users: [user], contexts: [context], 'current-context': context.name }),
    { mode: 0o600 },
  );
  return path;
}

async function restartApiServer(): Promise<void> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const [binary = '', ...args] = command.split('\0').slice(0, -1);
    if (!binary.endsWith('/kube-apiserver')) continue;
    const cwd = await readlink(`/proc/${pid}/cwd`);
    process.kill(Number(pid), 'SIGKILL');
    await sleep(3_000);
    spawn(binary, args, { cwd, detached: true, stdio: 'ignore' }).unref();
  }
  for (let i = 0; i < 240; i++) {
    if ((await kubectl('get --raw /readyz').catch(() => '')) === 'ok') return;
    await sleep(500);
  }
  throw new Error('the API server does not come back');
}
