/**
 * Rows of the users' own, for controllers that nobody here has heard of (docs/rules.md). A row is checked as far as it can be
 * without the controller: what is taken here never fails later.
 */
import * as v from 'valibot';
import { UserError } from '../../../../shared/errors.ts';
import { nearWord } from '../../../../shared/near-word.ts';
import { parseWith } from '../../../../shared/observation.ts';
import type { EventRow } from './event-row.ts';
import { linearPattern } from './linear-pattern.ts';

/**
 * Rows are looked up by kind and reason, so that many cost little; more than these are no longer written by people, and what
 * is not bounded is loaded at each cold start.
 */
const mostRows = 500;

const Text = (length: number) =>
  v.pipe(
    v.string(),
    v.nonEmpty(),
    v.check((text) => text.length <= length, `is longer than ${length} characters`),
  );

const oneOf = <const T extends readonly [string, ...string[]]>(...words: T) =>
  v.pipe(
    v.string(),
    v.check((text) => words.includes(text), `should be ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`),
    v.picklist(words),
  );

const kind = /^[A-Z][A-Za-z0-9]*$/;
const Subject = v.pipe(
  Text(200),
  v.check(
    (text) => kind.test(text.replace(/^[a-z0-9][a-z0-9.-]*\//, '')),
    'should be a kind, like Deployment, or group/Kind, like batch.volcano.sh/Job',
  ),
);
const Target = v.pipe(
  Text(63),
  v.check(
    (text) => ['subject', 'scaleTargetRef', 'message'].includes(text) || kind.test(text),
    'should be a kind like Pod, or subject, scaleTargetRef or message',
  ),
);

const entries = {
  subject: Subject,
  reason: Text(128),
  message: v.exactOptional(Text(500)),
  effect: v.exactOptional(oneOf('creates', 'removes', 'scales', 'rescales', 'observes', 'awaits', 'applies')),
  target: v.exactOptional(Target),
  controls: v.exactOptional(v.boolean()),
  direction: v.exactOptional(oneOf('start-up', 'tear-down', 'none')),
  phase: v.exactOptional(v.literal(true)),
  outcome: v.exactOptional(oneOf('complete', 'failed')),
  disruption: v.exactOptional(
    oneOf('evicted-by-api', 'preempted', 'tainted', 'garbage-collected', 'stopped-by-kubelet'),
  ),
  turn: v.exactOptional(
    oneOf(
      'booting',
      'ready',
      'announced',
      'cordoned',
      'uncordoned',
      'pressure',
      'pressure-over',
      'shutdown',
      'lost',
      'removed',
    ),
  ),
  begins: v.exactOptional(oneOf('change', 'episode', 'nothing')),
  cause: v.exactOptional(
    v.pipe(
      Text(63),
      v.check((text) => /^[A-Za-z][\w.-]*$/.test(text), 'should be a name, like ErrImagePull'),
    ),
  ),
  example: Text(1000),
  source: v.exactOptional(Text(300)),
} satisfies Record<keyof EventRow, v.GenericSchema>;
const RowSchema = v.strictObject(entries);
type WrittenRow = v.InferOutput<typeof RowSchema>;

/** What a row says of Events; the others say which Events, and where it is from. */
const says = [
  'effect',
  'direction',
  'phase',
  'outcome',
  'disruption',
  'turn',
  'begins',
  'cause',
] as const satisfies (keyof EventRow)[];

const groupsRead = ['name', 'namespace', 'kind', 'uid', 'way', 'from', 'to', 'revision', 'ref'];

/**
 * @param fileName as the user wrote it: errors begin with it
 * @throws UserError in one line that names the row
 */
export function checkRules(written: readonly unknown[], fileName: string): EventRow[] {
  if (written.length > mostRows) {
    throw new UserError(`${fileName}: has ${written.length} rules, and ${mostRows} are the most`);
  }
  const rows: EventRow[] = [];
  for (const [i, input] of written.entries()) {
    const wrong = (what: string) => new UserError(`${fileName}: ${nameRow(i, input)}: ${what}`);
    const row = checkRow(input, wrong, { source: `${fileName}, rules[${i}]` });
    const earlier = rows.findIndex((other) => takes(other, row));
    if (earlier !== -1) {
      throw wrong(`its example is already taken by rules[${earlier}]; put the narrower message first`);
    }
    rows.push(row);
  }
  return rows;
}

/** As they were written, for another process to check and use. */
export const toWrittenRules = (rows: readonly EventRow[]): object[] =>
  rows.map(({ message, ...row }) => ({ ...row, ...(message !== undefined && { message: message.source }) }));

const takes = (row: EventRow, { subject, reason, example }: EventRow): boolean =>
  row.subject === subject && row.reason === reason && (row.message?.test(example) ?? true);

const isMap = (input: unknown): input is Record<string, unknown> =>
  typeof input === 'object' && input !== null && !Array.isArray(input);

/** By its place, and by what it is about as far as that is said. */
function nameRow(i: number, input: unknown): string {
  const { subject, reason } = isMap(input) ? input : {};
  const word = (value: unknown) => (typeof value === 'string' ? value.slice(0, 64) : '?');
  return subject === undefined && reason === undefined
    ? `rules[${i}]`
    : `rules[${i}] (${word(subject)}.${word(reason)})`;
}

function checkRow(
  input: unknown,
  wrong: (what: string) => UserError,
  defaults: Pick<EventRow, 'source'>,
): EventRow {
  if (!isMap(input)) throw wrong('should be a map with subject, reason and example');
  for (const key of Object.keys(input)) {
    if (Object.hasOwn(entries, key)) continue;
    throw wrong(`${key} is not known${suggest(key, Object.keys(entries))}`);
  }
  const parsed = parseWith(RowSchema, input);
  if (!parsed.ok) throw wrong(parsed.reason);
  const { message: source, ...written } = parsed.value;
  const row: EventRow = { ...defaults, ...written };
  if (source !== undefined) row.message = readPattern(source, wrong);
  const complaint = checkPattern(row) ?? checkTarget(row) ?? checkMeaning(written);
  if (complaint !== undefined) throw wrong(complaint);
  return row;
}

function readPattern(source: string, wrong: (what: string) => UserError): RegExp {
  try {
    return linearPattern(source);
  } catch (error) {
    const why = (error as Error).message.replace(/^error parsing regexp: /, '').split('\n', 1)[0];
    throw wrong(`message is no pattern of RE2: ${why}`);
  }
}

function checkPattern({ message, example }: EventRow): string | undefined {
  if (message === undefined) return undefined;
  if (!message.test(example)) return 'message does not fit its own example';
  for (const group of groupsOf(message)) {
    if (groupsRead.includes(group)) continue;
    return `message has a group ${group}, which is not known${suggest(group, groupsRead)}`;
  }
  return undefined;
}

const groupsOf = (message: RegExp): string[] => {
  const anything = new RegExp(`${message.source}|`).exec('');
  return Object.keys(anything?.groups ?? {});
};

/** Of the target: it has to be named, by the message's groups or, without a message, by the Event's `related`. */
function checkTarget({ effect, target, controls, message, example }: EventRow): string | undefined {
  if (effect === undefined) {
    if (target !== undefined) return 'target is of no use without effect';
    return controls === undefined ? undefined : 'controls is of no use without effect';
  }
  if (target === undefined) return `effect ${effect} needs a target`;
  if (target === 'subject' || target === 'scaleTargetRef') return undefined;
  const groups = message?.exec(example)?.groups ?? {};
  if (target === 'message') {
    for (const group of ['kind', 'name']) {
      if (!groups[group])
        return `target message needs a group (?<${group}>…) in message that its example fills`;
    }
    return kind.test(groups.kind!) ? undefined : `the group kind is ${groups.kind} in the example: no kind`;
  }
  if (message === undefined || groups.name || groups.uid) return undefined;
  return `target ${target} needs a group (?<name>…) in message that its example fills`;
}

function checkMeaning(row: Omit<WrittenRow, 'message'>): string | undefined {
  if (says.every((key) => row[key] === undefined)) {
    return `says nothing; give at least one of ${says.join(', ')}`;
  }
  if (row.disruption !== undefined && row.subject !== 'Pod') return 'disruption is of Pods only';
  return undefined;
}

function suggest(word: string, known: readonly string[]): string {
  const meant = nearWord(word, known);
  return meant === undefined ? `; known are ${known.join(', ')}` : `; is ${meant} meant?`;
}
