/** A collection in pages, so that memory holds one of them, whatever the size of the cluster. */
import { ApiError, type ApiServer, type Json } from './api-server.ts';
import { isResourceVersion } from './resource-versions.ts';
import { collectionPath, type WatchedResource } from './watched-resources.ts';

export type ListPart =
  /** What was told before this does not count. */
  { type: 'start' } | { type: 'object'; object: Json };

export interface ListSettings {
  /** Objects. */
  pageSize: number;
  signal: AbortSignal;
  /** Waits before the page is asked for again; its rejection ends the list. */
  onTrouble(error: unknown): Promise<void>;
}

/**
 * All pages are of one moment, whose resourceVersion is returned. Kubernetes keeps a moment for some five minutes; then
 * it answers 410 with a token for going on in another moment. Nobody could watch from such a list without missing what
 * happened between the two, so it is begun again. No resourceVersion is asked for: the newest, never a stale cache's
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions).
 * @throws what `onTrouble` throws
 */
export async function* listPages(
  api: ApiServer,
  resource: WatchedResource,
  { pageSize, signal, onTrouble }: ListSettings,
): AsyncGenerator<ListPart, string> {
  let next = '';
  for (let begun = false; ; ) {
    const query = `?limit=${pageSize}${next && `&continue=${encodeURIComponent(next)}`}`;
    let page: Page;
    try {
      page = readPage(await api.call('GET', collectionPath(resource) + query, { signal }));
    } catch (error) {
      if (isHistoryGone(error)) {
        next = '';
        begun = false;
      }
      await onTrouble(error);
      continue;
    }
    if (!begun) yield { type: 'start' };
    begun = true;
    // The items of a list do not say what they are.
    const { apiVersion, kind } = resource;
    for (const item of page.items) yield { type: 'object', object: { apiVersion, kind, ...item } };
    next = page.next;
    if (next === '') return page.resourceVersion;
  }
}

interface Page {
  items: Json[];
  resourceVersion: string;
  /** Empty at the end. */
  next: string;
}

/** @throws Error where something else than the API server answered */
function readPage(answer: Json): Page {
  const metadata = answer.metadata as Json | undefined;
  const { resourceVersion, continue: next } = metadata ?? {};
  if (!isResourceVersion(resourceVersion)) throw new Error('the answer is no list with a resourceVersion');
  const items = answer.items ?? [];
  if (!Array.isArray(items)) throw new Error('the answer is no list');
  return {
    items,
    resourceVersion,
    next: typeof next === 'string' ? next : '',
  };
}

/** The version or the token is older than what the API server keeps. */
export const isHistoryGone = (error: unknown): boolean =>
  error instanceof ApiError &&
  (error.status === 410 || error.reason === 'Expired' || error.reason === 'Gone');
