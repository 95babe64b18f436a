/** W3C trace context in annotations (https://www.w3.org/TR/trace-context/#traceparent-header). */
import { traceContextAnnotations } from '../../../shared/snapshot-fields.ts';

export interface Caller {
  traceId: string;
  spanId: string;
}

type Annotations = Readonly<Record<string, string>> | undefined;

/** Whoever writes this one wants the trace to continue theirs. */
const continued = 'traceparent';

/** Version 00 is these four fields and nothing more; a later one may go on after a dash. */
const form = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

interface Context extends Caller {
  isSampled: boolean;
}

function parse(text: string | undefined): Context | undefined {
  const [, version, traceId, spanId, flags, rest] = form.exec(text?.trim() ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === '00' && rest !== undefined) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The annotation as it stands: to see whether it changed. */
export const traceparentOf = (annotations: Annotations): string | undefined => annotations?.[continued];

/** Whose trace goes on. Undefined where nobody's does: a trace that is not sampled is not there to be continued. */
export function callerOf(annotations: Annotations): Caller | undefined {
  const context = parse(annotations?.[continued]);
  return context?.isSampled === true ? callerIn(context) : undefined;
}

/** All that the annotations name, to be linked to. */
export function callersIn(annotations: Annotations): Caller[] {
  if (annotations === undefined) return none;
  const callers: Caller[] = [];
  for (const key of traceContextAnnotations) {
    const text = annotations[key];
    if (text === undefined) continue;
    const context = parse(text) ?? parse(carried(text));
    if (context !== undefined) callers.push(callerIn(context));
  }
  return callers;
}

const none: Caller[] = [];

const callerIn = ({ traceId, spanId }: Context): Caller => ({ traceId, spanId });

/** Tekton and Kueue write the carrier of OpenTelemetry's propagators as JSON. */
function carried(text: string): string | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    const carrier: unknown = JSON.parse(text);
    if (typeof carrier !== 'object' || carrier === null || !('traceparent' in carrier)) return undefined;
    return typeof carrier.traceparent === 'string' ? carrier.traceparent : undefined;
  } catch {
    return undefined;
  }
}
