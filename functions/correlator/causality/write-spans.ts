/**
 * Spans from occurrences and changes: names, status, parents. The span contract is in the README.
 */
import { occurrenceSpanId, transitionSpanId } from '../../../shared/ids.ts';
import type { Cluster } from '../../../shared/observation.ts';
import type { Span } from '../../../shared/span.ts';
import type { Change } from './change.ts';
import { readStatusTimes, type StatusTimes, timeSpent } from './critical-path.ts';
import { addDescription } from './describe-change.ts';
import { type Cause, findCause } from './find-cause.ts';
import { findCommit } from './find-commit.ts';
import { findLinks } from './find-links.ts';
import { findReleaseMark } from './find-release-mark.ts';
import { findService } from './find-service.ts';
import { isFailedEnd, type Occurrence, OccurrenceTable } from './gather-occurrences.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { remembered, type World } from './placement/world.ts';
import {
  addChange,
  addTimeSpent,
  changeAttributes,
  createResources,
  occurrenceAttributes,
  transitionAttributes,
} from './span-attributes.ts';
import { standsStillSince } from './standstill.ts';
import { SECOND } from './time.ts';
import type { TimedTrace } from './time-spans.ts';
import { rootOccurrence, rootSpanIdOf, type Traces } from './trace.ts';

export interface WrittenSpan {
  span: Span;
  /** `event UID/count` of an occurrence; of a change's root span and of a transition the UID of its object. */
  key: string;
  /** What it tells; undefined of a root that is made from a change. */
  occurrence: Occurrence | undefined;
  /** Of the root of a change that is not through and known to be kept from it: since when nothing of it moves. */
  standsStillSince?: bigint;
}

/** What the spans of all traces share, made once. */
interface Writer {
  world: World;
  traces: Traces;
  resources: ReturnType<typeof createResources>;
  statusTimesOf(object: KubernetesObject): StatusTimes;
  /** Of occurrences whose id was asked for. */
  spanIds: OccurrenceTable<string>;
}

/** Writes the spans of one trace after the other. */
export function createSpanWriter(
  cluster: Cluster,
  world: World,
  traces: Traces,
): (timed: TimedTrace) => WrittenSpan[] {
  const writer: Writer = {
    world,
    traces,
    resources: createResources(cluster),
    statusTimesOf: remembered(readStatusTimes),
    spanIds: new OccurrenceTable<string>(),
  };
  return (timed) => writeTrace(writer, timed);
}

function writeTrace(writer: Writer, timed: TimedTrace): WrittenSpan[] {
  const { world, traces } = writer;
  const { trace, occurrences } = timed;
  const { root } = trace;
  const first = rootOccurrence(trace);
  const rootSpanId = rootSpanIdOf(trace);
  const written: WrittenSpan[] = [];
  let head: Span | undefined;
  if (root.kind === 'change' && first === undefined) {
    head = writeChange(writer, timed, root.change);
    written.push({ span: head, key: trace.object.uid, occurrence: undefined });
  }
  for (const occurrence of occurrences) {
    const isRoot = occurrence === first;
    const above = isRoot ? (trace.caller?.spanId ?? null) : parentOf(writer, occurrence, rootSpanId);
    const span = writeOccurrence(writer, timed, occurrence, above, isRoot);
    if (isRoot) head = span;
    const key = occurrence.transition === undefined ? occurrence.key : occurrence.event.subject.uid!;
    written.push({ span, key, occurrence });
  }
  head!.links = findLinks(world, traces, trace, occurrences);
  if (root.kind === 'change') answer(writer, head!, root.change, timed, written);
  return written;
}

function spanIdOf({ spanIds }: Writer, occurrence: Occurrence): string {
  const known = spanIds.get(occurrence);
  if (known !== undefined) return known;
  const { event, transition } = occurrence;
  const spanId =
    transition === undefined
      ? occurrenceSpanId(event.uid, event.count)
      : transitionSpanId(event.subject.uid!, transition.id.slice(event.subject.uid!.length + 1));
  spanIds.set(occurrence, spanId);
  return spanId;
}

/** Of a root the workload's, of all else the reporting component. */
function resourceOf(
  { world, resources }: Writer,
  root: TimedTrace | undefined,
  component: string | undefined,
  host: string | undefined,
) {
  const service = root && findService(world, root);
  return service === undefined
    ? resources.ofReporter(component, host)
    : resources.ofService(service, component);
}

function writeChange(writer: Writer, timed: TimedTrace, change: Change): Span {
  const { object, verb, manager } = change;
  const { trace, root } = timed;
  return {
    traceId: trace.traceId,
    spanId: rootSpanIdOf(trace),
    parentSpanId: trace.caller?.spanId ?? null,
    name: `${object.kind}.${verb}`,
    startTimeUnixNano: String(root.start),
    endTimeUnixNano: String(root.end),
    status: unset,
    resource: resourceOf(writer, timed, manager === '' ? 'kubernetes' : manager, undefined),
    attributes: changeAttributes(change),
    links: none,
  };
}

function writeOccurrence(
  writer: Writer,
  timed: TimedTrace,
  occurrence: Occurrence,
  parentSpanId: string | null,
  isRoot: boolean,
): Span {
  const { event, transition } = occurrence;
  const membership = writer.traces.membershipOf(occurrence)!;
  const subject = writer.world.subjectOf(occurrence);
  const status = statusOf(occurrence, subject);
  const { start, end } = timed.intervalOf(occurrence);
  const { component, instance } = event.reporter;
  return {
    traceId: timed.trace.traceId,
    spanId: spanIdOf(writer, occurrence),
    parentSpanId,
    name: `${event.subject.kind || 'Object'}.${event.reason || 'Event'}`,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(end),
    status,
    resource: resourceOf(writer, isRoot ? timed : undefined, component, instance),
    attributes:
      transition === undefined
        ? occurrenceAttributes(occurrence, subject, membership, isRoot)
        : transitionAttributes(occurrence, subject, membership, status.code === 'ERROR'),
    links: none,
  };
}

function parentOf(writer: Writer, occurrence: Occurrence, rootSpanId: string): string {
  const { parent } = writer.traces.membershipOf(occurrence)!;
  return parent === undefined ? rootSpanId : spanIdOf(writer, parent);
}

/** The root says how the change ended, and why it failed. */
function answer(
  { world, statusTimesOf }: Writer,
  head: Span,
  change: Change,
  timed: TimedTrace,
  written: readonly WrittenSpan[],
): void {
  const { outcome, object } = change;
  const cause = findCause(world, outcome, object, timed.occurrences);
  // Nothing more was heard of it: with a cause that is known it stands still.
  const verdict = outcome.verdict === 'unfinished' && cause !== undefined ? 'stalled' : outcome.verdict;
  const [commit, release] = [findCommit(world, change), findReleaseMark(world, change)];
  addChange(head.attributes, change, verdict, { commit, release });
  addDescription(head.attributes, change);
  addTimeSpent(head.attributes, timeSpent(world, timed, change, statusTimesOf(object)));
  const errors = written.filter(({ span }) => span !== head && span.status.code === 'ERROR').length;
  if (errors > 0) head.attributes['rootspan.change.errors'] = errors;
  if (verdict === 'failed' || cause !== undefined)
    fail(head, cause ?? { type: 'Failed', message: outcome.message });
  const since = cause && standsStillSince(world, change, timed.occurrences);
  if (since !== undefined) written.find(({ span }) => span === head)!.standsStillSince = since;
}

function fail(head: Span, { type, message }: Cause): void {
  head.attributes['error.type'] = type;
  head.status = { code: 'ERROR', message };
}

const unset: Span['status'] = { code: 'UNSET' };
const none: Span['links'] = [];

/** A probe that fails on a pod that is going away is no error, nor is how its containers end. */
function statusOf(occurrence: Occurrence, subject: KubernetesObject): Span['status'] {
  const { event, transition, at } = occurrence;
  const isGoing =
    subject.removal !== undefined &&
    (transition === undefined ? at : occurrence.latest) >= subject.removal.at;
  if (transition !== undefined) {
    const isFailed = isFailedEnd(occurrence) && !isGoing && !wasKilled(event.subject.fieldPath, at, subject);
    const { container, exitCode } = transition;
    return isFailed
      ? {
          code: 'ERROR',
          message: `container ${container}: ${event.message || 'ended'}, exit code ${exitCode}`,
        }
      : unset;
  }
  const isProbe = event.reason === 'Unhealthy' || event.reason === 'ProbeError';
  return event.type === 'Warning' && !(isProbe && isGoing)
    ? { code: 'ERROR', message: event.message }
    : unset;
}

/** Killing is the last word of that container before its end. */
function wasKilled(fieldPath: string | undefined, at: bigint, { occurrences }: KubernetesObject): boolean {
  const last = occurrences.findLast(
    ({ event, transition, at: said }) =>
      transition === undefined &&
      event.subject.fieldPath === fieldPath &&
      said <= at + SECOND &&
      (event.reason === 'Killing' || (event.reason === 'Started' && said <= at)),
  );
  return last?.event.reason === 'Killing';
}
