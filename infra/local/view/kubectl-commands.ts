/** The commands that show an object in its cluster. */
import type { Attributes } from '../../../shared/span.ts';
import { textOf } from './describe-span.ts';

/** None for what has no plain name: a command that somebody copies holds nothing that a shell would obey. */
export function kubectlCommands(attributes: Attributes): string[] {
  const [kind, name, namespace] = ['k8s.object.kind', 'k8s.object.name', 'k8s.namespace.name'].map((key) =>
    textOf(attributes, key),
  ) as [string, string, string];
  const version = textOf(attributes, 'k8s.object.api_version');
  const group = version.includes('/') ? version.slice(0, version.indexOf('/')) : '';
  const isPlain = /^[A-Za-z]+$/.test(kind) && plainName.test(name);
  if (!isPlain || ![group, namespace].every((part) => part === '' || plainName.test(part))) return [];
  const object = `${[kind.toLowerCase(), group].filter((part) => part !== '').join('.')}/${name}`;
  // Events of what belongs to no namespace are in `default`, or where their reporter put them.
  const isIn = namespace !== '' && !clusterWide.has(kind);
  return [
    `kubectl describe ${object}${isIn ? ` -n ${namespace}` : ''}`,
    `kubectl events --for ${object}${isIn ? ` -n ${namespace}` : ' -A'}`,
  ];
}

const plainName = /^[a-z0-9](?:[a-z0-9.:-]*[a-z0-9])?$/;
const clusterWide: ReadonlySet<string> = new Set(['Node', 'Namespace', 'PersistentVolume']);
