/** Rows as the core asks for them: by kind and reason, the first whose message fits. */
import { hasUsualGroup, kindKey, type TypeOfObject } from '../../../../shared/group-kind.ts';
import type { EventRow } from './event-row.ts';

/** The row that an Event matches, with what its message says. */
export interface Match {
  row: EventRow;
  /** What the named groups of the row's pattern found. */
  name: string | undefined;
  namespace: string | undefined;
  kind: string | undefined;
  uid: string | undefined;
  up: boolean | undefined;
  from: number | undefined;
  to: number | undefined;
  revision: string | undefined;
  ref: string | undefined;
}

export interface RuleSet {
  match(subject: TypeOfObject, reason: string, message: string): Match | undefined;
  /** Kinds that a controller makes without controlling them: they are roots of their own. */
  madeForOthers: ReadonlySet<string>;
}

/** Rows that come first win: a user's own before the built-in ones. */
export function createRuleSet(rows: readonly EventRow[]): RuleSet {
  const byReason = Map.groupBy(
    rows.map((row) => ({
      row,
      ...subjectOf(row),
      always: row.message === undefined ? matchOf(row, {}) : undefined,
    })),
    ({ row }) => row.reason,
  );
  return {
    match(subject, reason, message) {
      const candidates = byReason.get(reason);
      if (candidates === undefined) return undefined;
      const text = withoutFolding(message);
      for (const { row, kind, key, always } of candidates) {
        if (kind !== subject.kind || (key !== undefined && key !== kindKey(subject))) continue;
        // One for all: most Events match a row without a pattern.
        const found = always ?? read(row, text);
        if (found !== undefined) return found;
      }
      return undefined;
    },
    madeForOthers: new Set(
      rows.flatMap(({ effect, controls, target }) =>
        effect === 'creates' && controls !== true && target !== undefined ? [target] : [],
      ),
    ),
  };
}

/** Without a key: a kind of that name in whatever group. */
function subjectOf({ subject }: EventRow): { kind: string; key: string | undefined } {
  const kind = subject.slice(subject.indexOf('/') + 1);
  if (kind !== subject) return { kind, key: subject };
  return { kind, key: hasUsualGroup(kind) ? kindKey({ kind }) : undefined };
}

function read(row: EventRow, text: string): Match | undefined {
  const pattern = row.message!;
  // A sync names each object that it applied in a line of its own: whichever of them it is, the row is that of all.
  const found = pattern.exec(text) ?? (row.effect === 'applies' ? firstLine(pattern, text) : null);
  return found === null ? undefined : matchOf(row, found.groups ?? {});
}

function firstLine(pattern: RegExp, text: string): RegExpExecArray | null {
  for (const line of text.split('\n')) {
    const found = pattern.exec(line);
    if (found !== null) return found;
  }
  return null;
}

function matchOf(row: EventRow, groups: Record<string, string>): Match {
  const { name, namespace, kind, uid, way, from, from2, to, revision, ref } = groups;
  return {
    row,
    name,
    namespace,
    kind,
    uid,
    up: way === undefined ? undefined : way === 'up',
    from: numberOf(from ?? from2),
    to: numberOf(to),
    revision,
    ref,
  };
}

const numberOf = (digits: string | undefined): number | undefined =>
  digits === undefined ? undefined : Number(digits);

/** Client-go's aggregator (tools/record/events_cache.go) puts this before the newest of many similar messages. */
const folded = '(combined from similar events): ';

export const isFolded = (message: string): boolean => message.startsWith(folded);

const withoutFolding = (message: string): string =>
  isFolded(message) ? message.slice(folded.length) : message;
