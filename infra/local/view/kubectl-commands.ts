/** The commands that show an object in its cluster. */
import type { Attributes } from '../../../shared/span.ts';

/**
 * None for what has no plain name: a command that somebody copies holds nothing that a shell would obey.
 * @param context of the kubeconfig, where it is known; left out where it has no plain name
 */
export function kubectlCommands(attributes: Attributes, context = ''): string[] {
  const kind = said(attributes, 'k8s.object.kind');
  const name = said(attributes, 'k8s.object.name');
  const namespace = said(attributes, 'k8s.namespace.name');
  const version = said(attributes, 'k8s.object.api_version');
  const group = version.includes('/') ? version.slice(0, version.indexOf('/')) : '';
  const isPlain = /^[A-Za-z]+$/.test(kind) && plainName.test(name);
  if (!isPlain || ![group, namespace].every((part) => part === '' || plainName.test(part))) return [];
  const object = `${[kind.toLowerCase(), group].filter((part) => part !== '').join('.')}/${name}`;
  // Events of what belongs to no namespace are in `default`, or where their reporter put them.
  const isIn = namespace !== '' && !clusterWide.has(kind);
  const where = plainContext.test(context) ? ` --context ${context}` : '';
  return [
    `kubectl describe ${object}${isIn ? ` -n ${namespace}` : ''}${where}`,
    `kubectl events --for ${object}${isIn ? ` -n ${namespace}` : ' -A'}${where}`,
  ];
}

/** As it was said: what would be cleaned to be shown is no name. */
const said = (attributes: Attributes, key: string): string => String(attributes[key] ?? '');

const plainName = /^[a-z0-9](?:[a-z0-9.:-]*[a-z0-9])?$/;
/** EKS names them by ARN, GKE with underscores, kubeadm with an @. */
const plainContext = /^[A-Za-z0-9][\w.:/@-]*$/;
const clusterWide: ReadonlySet<string> = new Set(['Node', 'Namespace', 'PersistentVolume']);
