/** Kinds as kubectl takes them: `deploy`, `deployments`, `deployments.apps`, `Deployment`. */

/** Of Kubernetes' own kinds; those of others are in the cluster's tables. */
const shortNames: Readonly<Record<string, string>> = {
  cj: 'cronjob',
  deploy: 'deployment',
  ds: 'daemonset',
  hpa: 'horizontalpodautoscaler',
  no: 'node',
  ns: 'namespace',
  pdb: 'poddisruptionbudget',
  po: 'pod',
  pv: 'persistentvolume',
  pvc: 'persistentvolumeclaim',
  rc: 'replicationcontroller',
  rs: 'replicaset',
  sts: 'statefulset',
  svc: 'service',
  // Custom resources that own workloads, by what their own definitions say.
  app: 'application',
  hr: 'helmrelease',
  ks: 'kustomization',
  ro: 'rollout',
  wf: 'workflow',
};

export function isKindWritten(written: string, kind: string): boolean {
  const [word = ''] = written.toLowerCase().split('.');
  const singular = kind.toLowerCase();
  return [singular, pluralOf(singular)].includes(shortNames[word] ?? word);
}

/** As the API's own plurals are made (client-go's UnsafeGuessKindToResource). */
function pluralOf(singular: string): string {
  if (/(?:s|x|ch|sh)$/.test(singular)) return `${singular}es`;
  return singular.endsWith('y') ? `${singular.slice(0, -1)}ies` : `${singular}s`;
}

/** All words that stand for a kind, for advice. */
export const wordsOf = (kind: string): string[] => {
  const singular = kind.toLowerCase();
  const short = Object.keys(shortNames).filter((word) => shortNames[word] === singular);
  return [...short, singular, pluralOf(singular)];
};
