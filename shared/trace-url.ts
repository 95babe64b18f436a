/** Where a backend shows a trace: an address by a template of the user's. */

/** Times in milliseconds since 1970. What is not known stays as it is written. */
export interface TracePlace {
  traceId: string;
  /** Of the root, or of the span that is shown. */
  spanId?: string | undefined;
  start?: number | string | undefined;
  end?: number | string | undefined;
}

/** `https://grafana.example/explore?trace={traceId}`, and maybe `{spanId}`, `{start}` and `{end}`. */
export function fillTraceUrl(template: string, place: TracePlace): string {
  const values = new Map(Object.entries(place));
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(values.get(name) ?? whole));
}

/** What is wrong with a template of a user's; undefined: nothing. A link that ran code would run it for whoever opens a page. */
export function checkTraceUrl(template: string): string | undefined {
  const example = fillTraceUrl(template, { traceId: 'a', spanId: 'b', start: 1, end: 2 });
  if (!/^https?:\/\/[^/\s]\S*$/.test(template) || !URL.canParse(example))
    return 'is no address; write https://… with {traceId} in it';
  if (!template.includes('{traceId}')) return 'has no {traceId} in it, in whose place the trace’s id goes';
  return undefined;
}
