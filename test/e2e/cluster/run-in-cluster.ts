/**
 * `npm run e2e:cluster`: brings a cluster up (real control plane, real nodes), renders the chart, and runs the tests inside
 * the cluster's network. `ROOTSPAN_CLUSTER` is the script that does it: `up`, `down`, `in COMMAND…`. With `--keep` the cluster
 * stays; other arguments are for vitest (`-t NAME`).
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { installHelm } from '../install-helm.ts';

const root = resolve(import.meta.dirname, '../../..');
const cluster = resolve(root, process.env.ROOTSPAN_CLUSTER ?? '../shared/cluster/cluster.sh');
const state = process.env.K8S_ROOT ?? join(tmpdir(), 'rootspan-k8s');
const keeps = process.argv.includes('--keep');
const forVitest = process.argv.slice(2).filter((arg) => arg !== '--keep');
const show = { cwd: root, stdio: 'inherit' } as const;

execFileSync('npm', ['run', '-s', 'build:forwarder'], show);
const chart = execFileSync(
  installHelm(),
  [
    'template',
    'rootspan',
    join(root, 'infra/kubernetes/chart'),
    ...[
      '--namespace',
      'rootspan',
      '--set',
      'cluster.name=e2e,stream.name=test,stream.region=us-east-1,image.repository=none',
    ],
  ],
  { encoding: 'utf8' },
);
// cluster.test.ts kills the forwarder at any line: its process runs beside the cluster, as the chart's service account and no more.
const manifests = chart
  .split(/^---$/m)
  .filter((text) => !/^kind: (Deployment|PodDisruptionBudget)$/m.test(text));
const rendered = join(tmpdir(), `rootspan-chart-${process.pid}.yaml`);
const ownNamespace = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: rootspan }\n';
writeFileSync(rendered, [ownNamespace, ...manifests].join('\n---\n'));

// Else the API server looks for kubelets, whose logs `helm test --logs` reads, by names that no DNS has.
const environment = { ...process.env, APISERVER_FLAGS: '--kubelet-preferred-address-types=InternalIP' };
execFileSync('bash', [cluster, 'up'], { ...show, env: environment });
openPodNetworks();
const test = spawnSync(
  'bash',
  [
    ...[cluster, 'in', 'env', '-C', root],
    `KUBECONFIG=${join(state, 'state/admin.conf')}`,
    `PATH=${join(state, 'bin')}:${dirname(process.execPath)}:${process.env.PATH}`,
    `ROOTSPAN_RENDERED_CHART=${rendered}`,
    ...[join(root, 'node_modules/.bin/vitest'), 'run', '--config', 'test/e2e/cluster/vitest.config.ts'],
    ...forVitest,
  ],
  show,
);
if (!keeps) execFileSync('bash', [cluster, 'down'], show);
process.exitCode = test.status ?? 1;

/** Pods of such a cluster reach those of their own node only; the forwarder's ask the API server and ship to a stream. */
function openPodNetworks(): void {
  for (const file of globSync(join(state, 'state/n*/cni/*.conflist'))) {
    const network = JSON.parse(readFileSync(file, 'utf8'));
    for (const { ipam } of network.plugins) ipam.routes = [{ dst: '0.0.0.0/0' }];
    writeFileSync(file, JSON.stringify(network));
  }
}
