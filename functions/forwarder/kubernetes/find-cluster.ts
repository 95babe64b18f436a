/** What tells one cluster from all others, for ever: the UID of its namespace kube-system. */
import type { ApiServer, Json } from './api-server.ts';

/** @throws ApiError, what the network throws, or Error where the answer is something else */
export async function findClusterUid(api: ApiServer, signal?: AbortSignal): Promise<string> {
  const namespace = await api.call(
    'GET',
    '/api/v1/namespaces/kube-system',
    signal === undefined ? {} : { signal },
  );
  const uid = (namespace.metadata as Json | undefined)?.uid;
  if (typeof uid !== 'string' || uid === '') throw new Error('the namespace kube-system has no UID');
  return uid;
}
