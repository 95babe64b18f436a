/** Which cluster, and as whom: KUBECONFIG, else ~/.kube/config, else the service account of the pod. */
// The module alone: the package's entry would evaluate the clients of every API as well.
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { UserError } from '../../../shared/errors.ts';

/** What client-node calls the context that it makes up (for localhost:8080) where it found nothing. */
const madeUpContext = 'loaded-context';

/** @throws UserError where there is none, or none that can be used */
export function loadKubeConfig(): KubeConfig {
  const config = new KubeConfig();
  try {
    config.loadFromDefault();
  } catch (error) {
    throw new UserError(`the kubeconfig cannot be read: ${firstLine(error)}`);
  }
  if (config.currentContext === madeUpContext) {
    throw new UserError('no cluster: set KUBECONFIG, or write ~/.kube/config, or run inside a cluster');
  }
  if (!config.getCurrentCluster()) {
    throw new UserError(
      'the kubeconfig names no cluster to use; choose one with `kubectl config use-context NAME`',
    );
  }
  return config;
}

/** Of YAML's errors the rest quotes the file, and with it credentials. */
const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]!;
