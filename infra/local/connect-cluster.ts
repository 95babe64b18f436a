/** The cluster of the user's kubeconfig, and, where it cannot be read, why not in words that say what to do. */
import { resolve } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { ApiError } from '../../functions/forwarder/kubernetes/api-server.ts';
import {
  type ConnectedApiServer,
  createApiServer,
} from '../../functions/forwarder/kubernetes/connect-api-server.ts';
import { loadKubeConfig } from '../../functions/forwarder/kubernetes/load-kube-config.ts';
import { UserError } from '../../shared/errors.ts';

export interface ConnectedCluster {
  api: ConnectedApiServer;
  address: string;
  context: string;
  /** Where kubectl would look. */
  namespace: string;
}

/** Nothing was asked yet: the credentials, or what is to bring them, are not to be had. */
class NoCredentials extends Error {}

/** Which cluster, where the user says so. */
export interface ChosenCluster {
  context?: string | undefined;
  /** A file. */
  kubeconfig?: string | undefined;
}

/**
 * @param workingDirectory where a relative file is looked for
 * @throws UserError where the kubeconfig names no cluster, or no address of one
 */
export function connectCluster(
  { context, kubeconfig }: ChosenCluster,
  workingDirectory: string,
): ConnectedCluster {
  const config = loadKubeConfig({
    ...(context !== undefined && { context }),
    ...(kubeconfig !== undefined && { file: resolve(workingDirectory, kubeconfig) }),
  });
  const address = config.getCurrentCluster()!.server;
  if (!/^https?:$/.test(URL.parse(address)?.protocol ?? '')) {
    throw new UserError(
      `the kubeconfig has ${address} for a server; it should be an address like https://10.0.0.1:6443`,
    );
  }
  const api = createApiServer({
    getCurrentCluster: () => config.getCurrentCluster(),
    async applyToHTTPSOptions(options) {
      try {
        await config.applyToHTTPSOptions(options);
      } catch (error) {
        throw new NoCredentials(whyNoCredentials(config, error));
      }
    },
  });
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
  return { api, address, context: config.getCurrentContext(), namespace };
}

/** Of what asking it threw; one line that goes on after the cluster's address. */
export function whyNotRead(error: unknown): string {
  if (error instanceof NoCredentials) return `cannot be asked: ${error.message}`;
  if (error instanceof ApiError && error.status === 401) {
    return `does not know you (${inOneLine(error)}): log in again, and try kubectl get namespace kube-system`;
  }
  return `${error instanceof ApiError ? 'refuses' : 'does not answer'}: ${inOneLine(error)}`;
}

/** client-node throws whatever its child process led to. What a plug-in prints is a credential, and never quoted. */
function whyNoCredentials(config: KubeConfig, error: unknown): string {
  const { exec, authProvider } = config.getCurrentUser() ?? {};
  const plugin: string | undefined = exec?.command;
  if (authProvider !== undefined) {
    return `the kubeconfig has the auth-provider ${authProvider.name}, which kubectl has no more either; use its plug-in`;
  }
  if (plugin === undefined) return inOneLine(error);
  const which = `${plugin}, which the kubeconfig has for credentials,`;
  if (error instanceof SyntaxError) return `${which} printed no credentials`;
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return `${which} is not installed`;
  const said = error instanceof Error ? error.message.replace(/\s+/g, ' ').trim() : '';
  return `${which} failed${said === '' ? '' : `: ${said}`}`;
}

const noAuthority = 'its certificate is of no authority that the kubeconfig names';
/** What Node says in the words of OpenSSL, or with advice on how to start Node. */
const plainWords: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: `${noAuthority} (DEPTH_ZERO_SELF_SIGNED_CERT)`,
  SELF_SIGNED_CERT_IN_CHAIN: `${noAuthority} (SELF_SIGNED_CERT_IN_CHAIN)`,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: `${noAuthority} (UNABLE_TO_GET_ISSUER_CERT_LOCALLY)`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: `${noAuthority} (UNABLE_TO_VERIFY_LEAF_SIGNATURE)`,
  ERR_OSSL_PEM_NO_START_LINE: 'the client certificate or key of the kubeconfig is no PEM',
  ERR_INVALID_CHAR: 'the token of the kubeconfig has characters that no token has',
};

/** Where each address of a name was tried in vain, the message is empty. */
function inOneLine(error: unknown): string {
  const { message, code = '' } = error as NodeJS.ErrnoException;
  if (code === 'EPROTO' && message.includes('wrong version number')) {
    return 'there is no TLS; should the address be http://…?';
  }
  return (plainWords[code] || message || code || String(error)).replace(/\s+/g, ' ').trim();
}
