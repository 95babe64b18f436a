/** Which cluster, and as whom: KUBECONFIG, else ~/.kube/config, else the service account of the pod. */
// The module alone: the package's entry would evaluate the clients of every API as well.
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { UserError } from '../../../shared/errors.ts';
import { nearWord } from '../../../shared/near-word.ts';

/** What client-node calls the context that it makes up (for localhost:8080) where it found nothing. */
const madeUpContext = 'loaded-context';

/**
 * @param file in place of where it is looked for
 * @param context in place of its current one
 * @throws UserError where there is none, or none that can be used
 */
export function loadKubeConfig({ file, context }: { file?: string; context?: string } = {}): KubeConfig {
  const config = new KubeConfig();
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (error) {
    throw new UserError(`the kubeconfig cannot be read: ${firstLine(error)}`);
  }
  if (config.currentContext === madeUpContext) {
    throw new UserError('no cluster: set KUBECONFIG, or write ~/.kube/config, or run inside a cluster');
  }
  if (context !== undefined) useContext(config, context);
  if (!config.getCurrentCluster()) {
    throw new UserError(
      'the kubeconfig names no cluster to use; choose one with `kubectl config use-context NAME`',
    );
  }
  return config;
}

function useContext(config: KubeConfig, context: string): void {
  const names = config.getContexts().map(({ name }) => name);
  if (!names.includes(context)) {
    const meant = nearWord(context, names);
    throw new UserError(
      `the kubeconfig has no context ${context}; ${meant === undefined ? `it has ${names.join(', ') || 'none'}` : `is ${meant} meant?`}`,
    );
  }
  config.setCurrentContext(context);
}

/** Of YAML's errors the rest quotes the file, and with it credentials. */
const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]!;
