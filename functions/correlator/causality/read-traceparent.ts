/** W3C trace context in annotations (https://www.w3.org/TR/trace-context/#traceparent-header). */

export interface Caller {
  traceId: string;
  spanId: string;
}

/** The Kubernetes form wins over the bare one. */
const keys = ['tracing.k8s.io/traceparent', 'traceparent'];

const traceparent = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}/;

/** What the annotation says, unparsed: to see whether it changed. */
export function traceparentOf(annotations: Readonly<Record<string, string>> | undefined): string | undefined {
  for (const key of keys) if (annotations?.[key] !== undefined) return annotations[key];
  return undefined;
}

/** Undefined where there is none, or none that is valid. */
export function callerOf(annotations: Readonly<Record<string, string>> | undefined): Caller | undefined {
  const [, traceId, spanId] = traceparent.exec(traceparentOf(annotations) ?? '') ?? [];
  return traceId === undefined || spanId === undefined ? undefined : { traceId, spanId };
}
