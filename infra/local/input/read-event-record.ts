/**
 * A log record of the collector's k8s_events receiver to the Event that it was made of
 * (opentelemetry-collector-contrib receiver/k8seventsreceiver/k8s_event_to_logdata.go).
 */
import type { Json } from './json-value.ts';
import type { LogRecord } from './read-otlp-logs.ts';

export function readEventRecord({ body, attributes, resource, severity, at }: LogRecord): Json | undefined {
  const uid = attributes['k8s.event.uid'];
  const kind = resource['k8s.object.kind'];
  if (typeof uid !== 'string' || typeof kind !== 'string') return undefined;
  const namespace = attributes['k8s.namespace.name'];
  const first = timeOf(attributes['k8s.event.start_time']);
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: attributes['k8s.event.name'], namespace, uid, creationTimestamp: first },
    involvedObject: {
      apiVersion: resource['k8s.object.api_version'],
      kind,
      namespace,
      name: resource['k8s.object.name'],
      uid: resource['k8s.object.uid'],
      fieldPath: resource['k8s.object.fieldpath'],
      resourceVersion: resource['k8s.object.resource_version'],
    },
    reason: attributes['k8s.event.reason'],
    action: attributes['k8s.event.action'],
    message: body,
    type: severity,
    count: attributes['k8s.event.count'],
    source: { host: resource['k8s.node.name'] },
    firstTimestamp: first,
    // In nanoseconds also where it is known to the second.
    lastTimestamp: at?.replace(/\.0+Z$/, 'Z') ?? first,
  };
}

/** As Go prints a time: `2026-05-12 09:00:00 +0000 UTC`. */
function timeOf(text: unknown): string | undefined {
  const [, date, time, hours, minutes] =
    /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) ([+-]\d\d)(\d\d)\b/.exec(String(text)) ?? [];
  if (date === undefined) return undefined;
  return `${date}T${time}${hours === '+00' && minutes === '00' ? 'Z' : `${hours}:${minutes}`}`;
}
