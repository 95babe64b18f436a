/**
 * Spans as compact JSON, without loss. Attributes say the same again and again (an object's name, its UID, the Event's reason): each
 * text stands once, what an object says of itself stands once an object, and the name of an object within a text is a mark.
 * An array of spans takes a kilobyte a span, this takes some 200 bytes.
 */
import type { Attributes, Span } from '../../../shared/span.ts';

export type Value = Attributes[string];
/** A number is a place among the words (those of all traces first, then the trace's own); anything else stands for itself. */
export type Cell = number | string | readonly string[];
/** Which keys (a place among the shapes), then the value of each. */
export type PackedAttributes = readonly [shape: number, ...values: Cell[]];
export type PackedStatus =
  | 'unset'
  | 'error'
  | 'as the message'
  | readonly [Span['status']['code'], string | null];
/** A parent is a place among the spans; an id where it is not there; null of a root. */
export type PackedSpan = readonly [
  parent: number | string | null,
  start: number | string,
  lasts: number | string,
  name: Cell,
  resource: number,
  object: number,
  status: number,
  shape: number,
  ...values: Cell[],
];

export interface PackedTrace {
  traceId: string;
  /** The earliest start, in nanoseconds since 1970; starts count from it. */
  start: string;
  /** 16 digits a span. */
  ids: string;
  words: Value[];
  /** Attributes that several spans share: resources, and what objects say of themselves. */
  groups: PackedAttributes[];
  statuses: PackedStatus[];
  spans: PackedSpan[];
  links: [span: number, links: Span['links']][];
}

/** What all traces of a page share. */
export interface SharedWords {
  words: Value[];
  shapes: Cell[][];
}

export const nameKey = 'k8s.object.name';
export const messageKey = 'k8s.event.message';

/** Two characters that Unicode gives no meaning: the object's name, and what was such a character before. */
export const MARK = '\ue000';
export const ESCAPE = '\ue001';
