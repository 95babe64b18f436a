/** What people and clusters do in a day, in two minutes: the kubectl commands, and how long each takes to be over. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kubectl } from './kubectl.ts';

const image = (version: string) => `registry.test/tiny:${version}`;

const container = (version: string, args: string[], probe = true) => ({
  name: 'app',
  image: image(version),
  args,
  ...(probe && { readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 } }),
});

const template = (app: string, version: string, args: string[], probe = true) => ({
  metadata: { labels: { app } },
  spec: { terminationGracePeriodSeconds: 1, containers: [container(version, args, probe)] },
});

const deployment = (
  name: string,
  version: string,
  replicas: number,
  args = ['-serve', ':8080'],
  probe = true,
) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: template(name, version, args, probe),
  },
});

const statefulSet = (name: string, version: string, replicas: number) => ({
  ...deployment(name, version, replicas),
  kind: 'StatefulSet',
  spec: { ...deployment(name, version, replicas).spec, serviceName: name },
});

const podTemplateOfJob = {
  spec: {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 1,
    containers: [container('v1', ['-exit-after', '2s'], false)],
  },
};
const cronJob = (name: string) => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name },
  spec: { schedule: '* * * * *', jobTemplate: { spec: { template: podTemplateOfJob } } },
});

/** A rollout that has just begun; returns what waits for its end. */
export async function beginRollout(kubectl: Kubectl, namespace: string): Promise<() => Promise<unknown>> {
  await kubectl(`create namespace ${namespace}`);
  await kubectl(`apply --namespace ${namespace} -f -`, JSON.stringify(deployment('web', 'v1', 6)));
  return () => kubectl(`rollout status deployment/web --namespace ${namespace} --timeout=180s`);
}

export interface Changes {
  /** Of its own, made by it and left for the caller to delete. */
  namespace: string;
  /** Of what to drain. */
  node: string;
}

/** By object, a root span each: what is changed below, in this order. */
export const changesMade = {
  'CronJob tick': ['Create', 'Delete'],
  'Deployment crash': ['Create', 'Delete'],
  'Deployment web': ['Create', 'Update', 'Scale', 'Restart', 'Scale', 'Update', 'Scale', 'Scale', 'Delete'],
  'StatefulSet db': ['Create', 'Delete'],
};

/**
 * Rollout, image update, scale, restart, crash loop, StatefulSet, CronJob, drain, an annotation, to no replicas and back,
 * deletions. About two minutes.
 */
export async function changeThings(kubectl: Kubectl, { namespace, node }: Changes): Promise<void> {
  const n = `--namespace ${namespace}`;
  const apply = (object: object) => kubectl(`apply ${n} -f -`, JSON.stringify(object));
  const rolledOut = (what: string) => kubectl(`rollout status ${what} ${n} --timeout=120s`);

  await kubectl(`create namespace ${namespace}`);
  await apply(cronJob('tick'));
  await apply(deployment('crash', 'v1', 1, ['-exit-after', '1s', '-code', '1'], false));
  await apply(deployment('web', 'v1', 3));
  await apply(statefulSet('db', 'v1', 2));
  await rolledOut('deployment/web');
  await apply(deployment('web', 'v2', 3));
  await rolledOut('deployment/web');
  await kubectl(`scale deployment/web --replicas=5 ${n}`);
  await rolledOut('deployment/web');
  await rolledOut('statefulset/db');
  await kubectl(`rollout restart deployment/web ${n}`);
  await rolledOut('deployment/web');
  await kubectl(`drain ${node} --ignore-daemonsets --delete-emptydir-data --force --timeout=60s`);
  await rolledOut('deployment/web');
  await kubectl(`uncordon ${node}`);
  await kubectl(`scale deployment/web --replicas=1 ${n}`);
  await rolledOut('deployment/web');
  // By now its scalings are one Event with a count, which says when to the second only: one change a second, or two who watch
  // may take it for part of the one or of the other.
  await sleep(2_000);
  await kubectl(`annotate deployment/web note=nothing-follows ${n}`);
  await sleep(2_000);
  await kubectl(`scale deployment/web --replicas=0 ${n}`);
  await rolledOut('deployment/web');
  await sleep(2_000);
  await kubectl(`scale deployment/web --replicas=2 ${n}`);
  await rolledOut('deployment/web');
  await sleep(15_000);
  await kubectl(`delete deployment/web statefulset/db deployment/crash ${n}`);
  await sleep(15_000);
  await kubectl(`delete cronjob/tick ${n}`);
}
