import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { describe, expect, it } from 'vitest';
import { createApiServer } from '../../../functions/forwarder/kubernetes/connect-api-server.ts';
import { diagnose, type Installed } from '../../../infra/local/doctor.ts';

const now = Date.parse('2026-03-01T12:00:00Z');
const installed = { namespace: 'rootspan', lease: undefined };
const lease = '/apis/coordination.k8s.io/v1/namespaces/rootspan/leases/rootspan-forwarder';
const pods = '/api/v1/namespaces/rootspan/pods';
const reviews = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
const metrics = `${pods}/fwd-1:8080/proxy/metrics`;

/** As the chart has them on the forwarder's pods. */
const labels = { 'app.kubernetes.io/name': 'rootspan', 'app.kubernetes.io/component': 'forwarder' };

interface Pod {
  metadata: { labels: Record<string, string> };
}

/** Those that the selector means. */
const labelled = ({ items }: { items: Pod[] }, selector: string) => ({
  items: items.filter(({ metadata }) =>
    selector.split(',').every((one) => metadata.labels[one.split('=')[0]!] === one.split('=')[1]),
  ),
});

/** An installation in which all is well. */
const healthy: Readonly<Record<string, unknown>> = {
  '/version': { gitVersion: 'v1.35.4' },
  '/apis': { groups: [] },
  [pods]: {
    items: [
      {
        metadata: { name: 'fwd-1', labels },
        spec: { serviceAccountName: 'rootspan-forwarder' },
        status: { conditions: [{ type: 'Ready', status: 'True' }], containerStatuses: [{ restartCount: 0 }] },
      },
    ],
  },
  [reviews]: { status: { allowed: true } },
  [lease]: { spec: { holderIdentity: 'fwd-1', renewTime: '2026-03-01T11:59:58.000000Z' } },
  [metrics]: `rootspan_forwarder_events_received_total 1200
rootspan_forwarder_observations_shipped_total{type="event"} 1100
rootspan_forwarder_observations_shipped_total{type="object"} 300
rootspan_forwarder_events_filtered_total{reason="namespace"} 100
rootspan_forwarder_lookups_total{result="found"} 7
rootspan_forwarder_cached_objects 512
rootspan_forwarder_records_total 40
rootspan_forwarder_shipped_bytes_total 90000
rootspan_forwarder_checkpoint_age_seconds 2
rootspan_forwarder_channel_bytes 0
`,
};

/** Argo Rollouts and an operator of the user's own, as the API server's tables have them. */
const verbs = ['get', 'list', 'watch'];
const operators = {
  '/apis': {
    groups: [
      { name: 'argoproj.io', versions: [{ version: 'v1alpha1' }], preferredVersion: { version: 'v1alpha1' } },
      { name: 'x.io', versions: [{ version: 'v1' }], preferredVersion: { version: 'v1' } },
    ],
  },
  '/apis/argoproj.io/v1alpha1': { resources: [{ name: 'rollouts', kind: 'Rollout', verbs }] },
  '/apis/x.io/v1': { resources: [{ name: 'apps', kind: 'App', verbs }] },
};

/** The pod of a forwarder that was told what to watch. */
const watching = (watch: object, extraKinds: object) =>
  podWith({ WATCH: JSON.stringify(watch), EXTRA_KINDS: JSON.stringify(extraKinds) });

const podWith = (environment: Record<string, string>) => {
  const { items } = healthy[pods] as { items: { spec: object }[] };
  const env = Object.entries(environment).map(([name, value]) => ({ name, value }));
  return { items: items.map((pod) => ({ ...pod, spec: { ...pod.spec, containers: [{ env }] } })) };
};

/** A path without an answer is 404, one that says `forbidden` 403; a function is asked with what was sent. */
async function diagnosed(
  over: Readonly<Record<string, unknown>>,
  asked: Installed = installed,
): Promise<string[]> {
  const answers = { ...healthy, ...over };
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://x');
    let answer = answers[pathname];
    if (pathname === pods)
      answer = labelled(answer as { items: Pod[] }, searchParams.get('labelSelector') ?? '');
    if (typeof answer === 'function') answer = answer(await json(request));
    const code = answer === undefined ? 404 : answer === 'forbidden' ? 403 : 200;
    response.writeHead(code);
    if (typeof answer === 'string' && code === 200) return response.end(answer);
    const status = { kind: 'Status', message: code === 403 ? 'you cannot get that' : 'not found', code };
    response.end(JSON.stringify(code === 200 ? answer : status));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'c', server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }],
    users: [{ name: 'u' }],
    contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
    currentContext: 'x',
  });
  const api = createApiServer(config);
  try {
    const findings = await Array.fromAsync(diagnose(api, asked, () => now));
    return findings.map(({ verdict, step, text }) => `${verdict} ${step}: ${text}`);
  } finally {
    api.close();
    server.close();
  }
}

describe('the doctor', () => {
  it('tells in nine lines that Events flow', async () => {
    expect(await diagnosed({})).toEqual([
      'ok API server: v1.35.4, answers in 0 ms',
      'ok permissions: rootspan-forwarder may list and watch all 9 kinds',
      'ok forwarder: 1 of 1 pods ready, 0 restarts',
      'ok leader: fwd-1, renewed 2 s ago',
      'ok watch: 1,200 Events received',
      'ok snapshots: 512 objects known; looked up: found 7',
      'ok filters: namespace 100 filtered; nothing dropped',
      'ok stream: 1,400 observations in 40 records, 90,000 bytes',
      'ok checkpoint: the oldest that waits came 2 s ago',
    ]);
  });

  it('says that nothing is installed', async () => {
    expect(await diagnosed({ [pods]: { items: [] }, [lease]: undefined })).toEqual([
      'ok API server: v1.35.4, answers in 0 ms',
      'ok permissions: rootspan-forwarder may list and watch all 9 kinds',
      'FAIL forwarder: no pod in namespace rootspan; helm install it, or name its --namespace',
      'FAIL leader: no Lease rootspan-forwarder in namespace rootspan: no forwarder has ever led here',
    ]);
  });

  it('names rights that are missing', async () => {
    expect(await diagnosed({ [reviews]: { status: { allowed: false } } })).toContain(
      "FAIL permissions: rootspan-forwarder may not list or watch anything; the chart's ClusterRole would allow it",
    );
  });

  it('counts the kinds of others that are installed', async () => {
    const watched = watching({ 'argoproj.io': ['rollouts', 'workflows'] }, [
      { group: 'x.io', resource: 'apps' },
    ]);
    expect(await diagnosed({ ...operators, [pods]: watched })).toContain(
      'ok permissions: rootspan-forwarder may list and watch all 11 kinds',
    );
    // As the chart of this version would have it, where nobody says otherwise.
    expect(await diagnosed(operators)).toContain(
      'ok permissions: rootspan-forwarder may list and watch all 10 kinds',
    );
    expect(await diagnosed({ ...operators, [pods]: watching({ 'argoproj.io': [] }, []) })).toContain(
      'ok permissions: rootspan-forwarder may list and watch all 9 kinds',
    );
  });

  it('names those that may not be watched, with the Helm value that would allow it', async () => {
    const review = ({ spec }: { spec: { resourceAttributes: { group: string } } }) => ({
      status: { allowed: !spec.resourceAttributes.group.endsWith('.io') },
    });
    const watched = watching({ 'argoproj.io': ['rollouts', 'workflows'] }, [
      { group: 'x.io', resource: 'apps' },
    ]);
    expect(await diagnosed({ ...operators, [pods]: watched, [reviews]: review })).toContain(
      '? permissions: rootspan-forwarder may list and watch 9 of 11 kinds, and not rollouts.argoproj.io, apps.x.io, which ' +
        'are installed; helm upgrade with --set-json \'watch.argoproj\\.io=["rollouts","workflows"]\' ' +
        '--set-json \'extraKinds=[{"group":"x.io","resource":"apps"}]\' allows it',
    );
  });

  it('looks for the Lease that the pods name, whatever the release is called', async () => {
    const own = lease.replace('rootspan-forwarder', 'events-forwarder');
    const named = { [pods]: podWith({ LEASE_NAME: 'events-forwarder' }), [lease]: undefined };
    expect(await diagnosed({ ...named, [own]: healthy[lease] })).toContain(
      'ok leader: fwd-1, renewed 2 s ago',
    );
    expect((await diagnosed(named)).at(-1)).toMatch(
      /^FAIL leader: no Lease events-forwarder in namespace rootspan: the pods have never led; kubectl logs /,
    );
  });

  it('tells several releases of a namespace apart', async () => {
    const two = ['a', 'b'].flatMap((name) => podWith({ LEASE_NAME: name }).items);
    const leaseOf = (name: string) => lease.replace('rootspan-forwarder', name);
    const both = { [pods]: { items: two }, [leaseOf('a')]: undefined, [leaseOf('b')]: healthy[lease] };
    expect(await diagnosed(both)).toContain(
      'ok forwarder: 1 of 1 pods ready, 0 restarts; of a, b --lease says which',
    );
    expect(await diagnosed(both, { ...installed, lease: 'b' })).toContain(
      'ok leader: fwd-1, renewed 2 s ago',
    );
    expect(await diagnosed(both, { ...installed, lease: 'c' })).toContain(
      'FAIL forwarder: no pod of that --lease in namespace rootspan; the pods there are of a, b',
    );
  });

  it('does not count the pod of a helm test that failed', async () => {
    const { items } = healthy[pods] as { items: object[] };
    const test = {
      metadata: { name: 'test', labels: { ...labels, 'app.kubernetes.io/component': 'test' } },
      spec: { serviceAccountName: 'default' },
      status: {},
    };
    const found = await diagnosed({ [pods]: { items: [test, ...items] } });
    expect(found).toContain('ok permissions: rootspan-forwarder may list and watch all 9 kinds');
    expect(found).toContain('ok forwarder: 1 of 1 pods ready, 0 restarts');
  });

  const heldBy = (holderIdentity: string, renewed: string) => ({
    [lease]: { spec: { holderIdentity, renewTime: `2026-03-01T${renewed}.000000Z` } },
  });
  const logs =
    'kubectl logs --namespace rootspan --selector app.kubernetes.io/name=rootspan,app.kubernetes.io/component=forwarder says why';
  it.each<[string, Record<string, unknown>, string]>([
    [
      'hangs',
      heldBy('fwd-1', '11:50:00'),
      'FAIL leader: fwd-1, renewed 600 s ago: it renews no more; kubectl logs --namespace rootspan fwd-1 says why',
    ],
    [
      'is gone, and no other took its place',
      heldBy('fwd-0', '11:50:00'),
      `FAIL leader: fwd-0, renewed 600 s ago: its pod is gone; of the pods that are there none takes the Lease; ${logs}`,
    ],
    [
      'is gone, and no pod is left',
      { ...heldBy('fwd-0', '11:50:00'), [pods]: { items: [] } },
      'FAIL leader: fwd-0, renewed 600 s ago: its pod is gone; no pod is there to lead',
    ],
    [
      'is gone just now',
      heldBy('fwd-0', '11:59:58'),
      '? leader: fwd-0, renewed 2 s ago: its pod is gone; another leads within seconds, ask again',
    ],
  ])('sees a leader that %s', async (_, over, line) => {
    const found = await diagnosed(over);
    expect(found).toContain(line);
    // Nobody asks a pod that is not there.
    if (line.includes('gone')) expect(found.at(-1)).toBe(line);
  });

  it('sees a stream that takes nothing', async () => {
    const stuck = String(healthy[metrics])
      .replace('age_seconds 2', 'age_seconds 300')
      .replace('channel_bytes 0', 'channel_bytes 4000000');
    expect(
      await diagnosed({
        [metrics]: `${stuck}rootspan_forwarder_kinesis_retries_total{reason="throttled"} 9\n`,
      }),
    ).toEqual(
      expect.arrayContaining([
        'FAIL stream: 1,400 observations in 40 records, 90,000 bytes; retries: throttled 9; 4,000,000 bytes wait: the log says why',
        'FAIL checkpoint: the oldest that waits came 300 s ago',
      ]),
    );
  });

  it('sees a stream that it may not put to before anything is late', async () => {
    const started = String(healthy[metrics])
      .replace(/shipped_total.*/g, 'shipped_total 0')
      .replace('channel_bytes 0', 'channel_bytes 4000');
    const refused = 'rootspan_forwarder_put_failing_seconds{reason="denied"} 3';
    expect((await diagnosed({ [metrics]: `${started}${refused}\n` })).at(-2)).toMatch(
      /^FAIL stream: 0 .*4,000 bytes wait: the role may not put: it needs kinesis:PutRecords/,
    );
  });

  it('does not take what it may not see for broken', async () => {
    expect(await diagnosed({ [metrics]: 'forbidden', [reviews]: 'forbidden' })).toEqual([
      'ok API server: v1.35.4, answers in 0 ms',
      "? permissions: you may not ask for rootspan-forwarder's (you cannot get that)",
      'ok forwarder: 1 of 1 pods ready, 0 restarts',
      'ok leader: fwd-1, renewed 2 s ago',
      '? watch: you may not look (you cannot get that)',
    ]);
  });
});
