/** What the forwarder lists and watches; the chart's ClusterRole allows just this. */

export interface WatchedResource {
  apiVersion: string;
  kind: string;
  /** Plural, as in paths. */
  resource: string;
}

export const events: WatchedResource = { apiVersion: 'v1', kind: 'Event', resource: 'events' };

/** Objects that say what no Event tells: generations, deletions, evictions, readiness. */
export const watchedObjects: readonly WatchedResource[] = [
  { apiVersion: 'v1', kind: 'Pod', resource: 'pods' },
  { apiVersion: 'v1', kind: 'Node', resource: 'nodes' },
  { apiVersion: 'apps/v1', kind: 'Deployment', resource: 'deployments' },
  { apiVersion: 'apps/v1', kind: 'ReplicaSet', resource: 'replicasets' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet', resource: 'statefulsets' },
  { apiVersion: 'apps/v1', kind: 'DaemonSet', resource: 'daemonsets' },
  { apiVersion: 'batch/v1', kind: 'Job', resource: 'jobs' },
  { apiVersion: 'batch/v1', kind: 'CronJob', resource: 'cronjobs' },
];

/** `/api/v1/pods` or `/apis/apps/v1/deployments`: of all namespaces. */
export const collectionPath = ({ apiVersion, resource }: WatchedResource): string =>
  `/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}/${resource}`;

/** How a resource is called in checkpoints, figures and logs: `pods`, `deployments.apps`. */
export const resourceName = ({ apiVersion, resource }: WatchedResource): string => {
  const [group, version] = apiVersion.split('/');
  return version === undefined ? resource : `${resource}.${group}`;
};
