/** An Event about the forwarder's own Pod: what `kubectl describe pod` shows, whoever runs the cluster. */
import { ApiError, type ApiServer } from './api-server.ts';

export interface OwnPod {
  namespace: string;
  name: string;
  /** Without one, tools find the Event by name only. */
  uid?: string | undefined;
}

export interface OwnEvent {
  type: 'Normal' | 'Warning';
  /** Such as `CannotShip`. */
  reason: string;
  /** What was being done: `Shipping`. */
  action: string;
  message: string;
}

/** The most that the API server takes. */
const longestNote = 1024;
const longestInstance = 128;

/**
 * A new Event for each time: whoever calls sees to it that there are few. The same again is stored once: of a call that
 * failed nobody knows whether only its answer was lost.
 * @param at milliseconds since 1970
 * @throws ApiError, or what the network throws
 */
export async function postEvent(api: ApiServer, pod: OwnPod, event: OwnEvent, at: number): Promise<void> {
  const { namespace, name, uid } = pod;
  const posted = api.call('POST', `/apis/events.k8s.io/v1/namespaces/${namespace}/events`, {
    body: {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      // As client-go's recorder names them.
      metadata: { namespace, name: `${name}.${(BigInt(Math.round(at)) * 1_000_000n).toString(16)}` },
      eventTime: new Date(at).toISOString().replace('Z', '000Z'),
      reportingController: 'rootspan-forwarder',
      reportingInstance: name.slice(0, longestInstance),
      type: event.type,
      reason: event.reason,
      action: event.action,
      regarding: { apiVersion: 'v1', kind: 'Pod', namespace, name, ...(uid !== undefined && { uid }) },
      note: event.message.slice(0, longestNote),
    },
  });
  await posted.catch((error: unknown) => {
    if (!(error instanceof ApiError && error.status === 409)) throw error;
  });
}
