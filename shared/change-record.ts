/**
 * Change records: what a change or a release came to, as a small JSON document for whoever wants to be told and not to look. Its schema is
 * change-record.schema.json. Ids are deterministic: a record that comes twice is one.
 */
import { sha256 } from './resumed-sha256.ts';
import { type Attributes, isRoot, type Span } from './span.ts';
import { fillTraceUrl } from './trace-url.ts';

export const recordVersion = 1;

/** What a change comes to. */
export const recordOutcomes = [
  'complete',
  'failed',
  'superseded',
  'stalled',
  'unfinished',
  'unknown',
] as const;
export type RecordOutcome = (typeof recordOutcomes)[number];

/** What has no value is left out. Times as RFC 3339, durations in seconds. */
export interface ChangeRecord {
  version: typeof recordVersion;
  id: string;
  kind: 'ended' | 'release-ended' | 'stalled';
  /** When it ended, or since when it stands still. */
  time: string;
  /** None of a release, which is of several. */
  cluster?: { uid?: string | undefined; name?: string | undefined } | undefined;
  object?:
    | {
        apiVersion?: string | undefined;
        kind: string;
        namespace?: string | undefined;
        name: string;
        uid?: string | undefined;
      }
    | undefined;
  service?: { name: string; namespace?: string | undefined; version?: string | undefined } | undefined;
  change?:
    | {
        verb: string;
        generation?: number | undefined;
        summary?: string | undefined;
        fields?: string[] | undefined;
        images?: string[] | undefined;
        rollbackTo?: string | undefined;
      }
    | undefined;
  release?:
    | { key: string; clusters: number; changes: number; failed: number; leftOut?: number | undefined }
    | undefined;
  by?: { manager: string; operation: string } | undefined;
  source?:
    | {
        repository?: string | undefined;
        revision?: string | undefined;
        ref?: string | undefined;
        release?: string | undefined;
      }
    | undefined;
  outcome: string;
  cause?: { type: string; message?: string | undefined } | undefined;
  startedAt: string;
  duration: number;
  /** Along the critical path, by phase; they add up to the duration. */
  phases?: Record<string, number> | undefined;
  trace: { traceId: string; spanId: string; url?: string | undefined };
}

export interface RecordSettings {
  /** With `{traceId}`, and maybe `{spanId}`, `{start}` and `{end}` in milliseconds since 1970. */
  traceUrl?: string | undefined;
}

/** Of the root of a change or a release, which says that it has ended; undefined of every other span. */
export function recordOfEnd(span: Span, settings: RecordSettings = {}): ChangeRecord | undefined {
  const { attributes } = span;
  if (!isRoot(span)) return undefined;
  if (attributes['rootspan.release.key'] !== undefined) return recordOfRelease(span, settings);
  if (attributes['rootspan.change.outcome'] === undefined) return undefined;
  return recordOfChange(span, 'ended', settings);
}

/**
 * @param span the root as it stands now
 * @param since when anything of it moved last, in nanoseconds since 1970
 */
export const recordOfStall = (
  span: Span,
  { since, ...settings }: RecordSettings & { since: bigint },
): ChangeRecord => ({
  ...recordOfChange(span, 'stalled', settings),
  time: new Date(Number(since / 1_000_000n)).toISOString(),
});

function recordOfChange(span: Span, kind: 'ended' | 'stalled', settings: RecordSettings): ChangeRecord {
  const { attributes, resource } = span;
  const text = textsOf(attributes);
  const duration = numberOf(attributes, 'rootspan.change.duration') ?? 0;
  const cause = causeOf(span);
  return compact<ChangeRecord>({
    version: recordVersion,
    // What stalls for another reason is told once more.
    id: recordId(kind, span, kind === 'stalled' ? (cause?.type ?? '') : ''),
    kind,
    time: timeOf(span, duration),
    cluster: clusterOf(resource),
    object: {
      apiVersion: text('k8s.object.api_version'),
      kind: text('k8s.object.kind') ?? '',
      namespace: text('k8s.namespace.name'),
      name: text('k8s.object.name') ?? '',
      uid: text('k8s.object.uid'),
    },
    service: serviceOf(resource),
    change: {
      verb: verbOf(span),
      generation: numberOf(attributes, 'k8s.object.generation'),
      summary: text('rootspan.change.summary'),
      fields: listOf(attributes, 'rootspan.change.fields'),
      images: listOf(attributes, 'rootspan.change.images'),
      rollbackTo: text('rootspan.change.rollback_to'),
    },
    by: {
      manager: text('rootspan.change.manager') ?? '',
      operation: text('rootspan.change.operation') ?? '',
    },
    source: sourceOf(attributes),
    outcome: kind === 'stalled' ? 'stalled' : (text('rootspan.change.outcome') ?? 'unknown'),
    cause,
    startedAt: timeOf(span, 0),
    duration,
    phases: phasesOf(attributes),
    trace: traceOf(span, settings),
  });
}

function recordOfRelease(span: Span, settings: RecordSettings): ChangeRecord {
  const { attributes } = span;
  const count = (name: string) => numberOf(attributes, `rootspan.release.${name}`);
  const text = textsOf(attributes);
  const duration = count('duration') ?? 0;
  return compact<ChangeRecord>({
    version: recordVersion,
    id: recordId('release-ended', span, ''),
    kind: 'release-ended',
    time: timeOf(span, duration),
    service: serviceOf(span.resource),
    release: {
      key: text('rootspan.release.key') ?? '',
      clusters: count('clusters') ?? 0,
      changes: count('changes') ?? 0,
      failed: count('failed') ?? 0,
      leftOut: count('left_out'),
    },
    source: sourceOf(attributes),
    outcome: text('rootspan.release.outcome') ?? 'unknown',
    cause: causeOf(span),
    startedAt: timeOf(span, 0),
    duration,
    trace: traceOf(span, settings),
  });
}

/** A change that began with an Event (a sync, one that nobody saw) has a root with that Event's reason, which is no verb. */
function verbOf({ name, attributes }: Span): string {
  const operation = attributes['rootspan.change.operation'];
  const isEvent = attributes['k8s.event.uid'] !== undefined;
  return isEvent && operation !== undefined ? String(operation) : name.slice(name.lastIndexOf('.') + 1);
}

/** The same for the same, in every run and for whoever sends it. */
const recordId = (kind: string, { traceId, spanId }: Span, cause: string): string =>
  sha256(traceId, `/${spanId}/${kind}/${cause}`).slice(0, 32);

const textsOf =
  (attributes: Attributes) =>
  (name: string): string | undefined => {
    const value = attributes[name];
    return value === undefined ? undefined : String(value);
  };

function numberOf(attributes: Attributes, name: string): number | undefined {
  const value = attributes[name];
  return typeof value === 'number' ? value : undefined;
}

function listOf(attributes: Attributes, name: string): string[] | undefined {
  const value = attributes[name];
  return Array.isArray(value) ? value : undefined;
}

function clusterOf(resource: Attributes): ChangeRecord['cluster'] {
  const text = textsOf(resource);
  return { uid: text('k8s.cluster.uid'), name: text('k8s.cluster.name') };
}

/** Of a root the workload's: what reports it is told of who made the change. */
function serviceOf(resource: Attributes): ChangeRecord['service'] {
  const text = textsOf(resource);
  const name = text('service.name');
  if (name === undefined || text('rootspan.component') === undefined) return undefined;
  return { name, namespace: text('service.namespace'), version: text('service.version') };
}

function sourceOf(attributes: Attributes): ChangeRecord['source'] {
  const text = textsOf(attributes);
  return {
    repository: text('vcs.repository.url.full'),
    revision: text('vcs.ref.head.revision'),
    ref: text('vcs.ref.head.name'),
    release: text('rootspan.change.release'),
  };
}

function causeOf({ attributes, status }: Span): ChangeRecord['cause'] {
  const type = textsOf(attributes)('error.type');
  return type === undefined ? undefined : { type, message: status.message };
}

const phasePrefix = 'rootspan.change.time.';

function phasesOf(attributes: Attributes): Record<string, number> | undefined {
  const entries = Object.entries(attributes).flatMap(([name, value]): [string, number][] =>
    name.startsWith(phasePrefix) && typeof value === 'number'
      ? [[name.slice(phasePrefix.length), value]]
      : [],
  );
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** To the millisecond, so many seconds after its start. */
const timeOf = ({ startTimeUnixNano }: Span, seconds: number): string =>
  new Date(Number(BigInt(startTimeUnixNano) / 1_000n) / 1_000 + seconds * 1_000).toISOString();

function traceOf(span: Span, { traceUrl }: RecordSettings): ChangeRecord['trace'] {
  const { traceId, spanId, startTimeUnixNano, endTimeUnixNano } = span;
  const milliseconds = (time: string) => String(BigInt(time) / 1_000_000n);
  const times = { start: milliseconds(startTimeUnixNano), end: milliseconds(endTimeUnixNano) };
  const url = traceUrl === undefined ? undefined : fillTraceUrl(traceUrl, { traceId, spanId, ...times });
  return { traceId, spanId, url };
}

/** Without what has no value, at any depth, and without what has nothing in it then. */
function compact<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).map(([name, each]) => [name, compact(each)] as const);
  return Object.fromEntries(entries.filter(([, each]) => each !== undefined && !isEmpty(each))) as T;
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;
