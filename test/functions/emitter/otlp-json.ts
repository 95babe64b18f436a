/** OTLP JSON back to spans, written from the protocol's definition and not from our own code. */
import type { Attributes, Span } from '../../../shared/span.ts';

type KeyValue = {
  key: string;
  value: {
    stringValue?: string;
    intValue?: number | string;
    doubleValue?: number;
    boolValue?: boolean;
    arrayValue?: { values: { stringValue: string }[] };
  };
};

export type OtlpSpan = {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: KeyValue[];
  status: { code: number; message?: string };
  links: { traceId: string; spanId: string; attributes?: KeyValue[] }[];
};

export type OtlpRequest = {
  resourceSpans: {
    resource: { attributes: KeyValue[] };
    schemaUrl?: string;
    scopeSpans: { scope: { name: string; version: string }; spans: OtlpSpan[] }[];
  }[];
};

/** In the order of the request: grouped by resource. */
export function fromOtlpJson(json: string): Span[] {
  const request = JSON.parse(json) as OtlpRequest;
  return request.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span): Span => {
        const code = (['UNSET', 'OK', 'ERROR'] as const)[span.status.code];
        if (code !== 'UNSET' && code !== 'ERROR') throw new Error(`status ${span.status.code}`);
        return {
          traceId: span.traceId,
          spanId: span.spanId,
          parentSpanId: span.parentSpanId ?? null,
          name: span.name,
          startTimeUnixNano: span.startTimeUnixNano,
          endTimeUnixNano: span.endTimeUnixNano,
          status: span.status.message === undefined ? { code } : { code, message: span.status.message },
          resource: fromKeyValues(resource.attributes),
          attributes: fromKeyValues(span.attributes),
          links: span.links.map(({ traceId, spanId, attributes = [] }) => ({
            traceId,
            spanId,
            ...(attributes.length > 0 && { attributes: fromKeyValues(attributes) }),
          })),
        };
      }),
    ),
  );
}

function fromKeyValues(list: KeyValue[]): Attributes {
  return Object.fromEntries(
    list.map(({ key, value }) => {
      const set = Object.entries(value);
      if (set.length !== 1) throw new Error(`${key} has ${set.length} values`);
      if (value.intValue !== undefined) {
        if (!/^-?\d+$/.test(String(value.intValue))) throw new Error(`${key} is no integer`);
        return [key, Number(value.intValue)];
      }
      if (value.arrayValue !== undefined)
        return [key, value.arrayValue.values.map(({ stringValue }) => stringValue)];
      return [key, set[0]![1] as string | number | boolean];
    }),
  );
}
