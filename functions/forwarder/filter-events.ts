/** Which Events are worth their cost: what is filtered is counted, and ships no snapshot either. */
import * as v from 'valibot';
import type { EventOccurrence } from '../../shared/observation.ts';

/** Exact names, or patterns with `*` for any number of characters. Nothing included: everything is. */
const NamesSchema = v.strictObject({
  include: v.optional(v.array(v.pipe(v.string(), v.nonEmpty())), []),
  exclude: v.optional(v.array(v.pipe(v.string(), v.nonEmpty())), []),
});
const noNames = { include: [], exclude: [] };

export const EventFiltersSchema = v.strictObject({
  /** Of the object that the Event is about. */
  namespaces: v.optional(NamesSchema, noNames),
  kinds: v.optional(NamesSchema, noNames),
  reasons: v.optional(NamesSchema, noNames),
  /** `Normal`, `Warning`. */
  types: v.optional(NamesSchema, noNames),
});

export type EventFilters = v.InferOutput<typeof EventFiltersSchema>;
export type FilteredBy = 'namespace' | 'kind' | 'reason' | 'type';

/** By which of the filters the Event stays in the cluster; undefined: it ships. */
export type EventFilter = (event: EventOccurrence['event']) => FilteredBy | undefined;

export function createEventFilter(filters: EventFilters): EventFilter {
  const passes = {
    namespace: matcher(filters.namespaces),
    kind: matcher(filters.kinds),
    reason: matcher(filters.reasons),
    type: matcher(filters.types),
  };
  return ({ subject, reason, type }) => {
    // A cluster-wide object (a Node) is in no namespace, though its Events are in `default`: only `*` includes it.
    if (!passes.namespace(subject.namespace ?? '')) return 'namespace';
    if (!passes.kind(subject.kind)) return 'kind';
    if (!passes.reason(reason)) return 'reason';
    return passes.type(type) ? undefined : 'type';
  };
}

/**
 * Whether an object of the namespace may leave the cluster: no Event about one in another does. What is in no namespace
 * (a Node) may, for the Events of those that it moves.
 */
export type NamespaceFilter = (namespace: string | undefined) => boolean;

export function createNamespaceFilter({ namespaces }: Pick<EventFilters, 'namespaces'>): NamespaceFilter {
  const passes = matcher(namespaces);
  return (namespace) => namespace === undefined || passes(namespace);
}

function matcher({ include, exclude }: { include: string[]; exclude: string[] }): (name: string) => boolean {
  const [included, excluded] = [toPattern(include), toPattern(exclude)];
  return (name) => (included?.test(name) ?? true) && !(excluded?.test(name) ?? false);
}

function toPattern(names: readonly string[]): RegExp | undefined {
  if (names.length === 0) return undefined;
  const alternatives = names.map((name) => name.split('*').map(RegExp.escape).join('.*'));
  return new RegExp(`^(?:${alternatives.join('|')})$`, 's');
}
