import { RE2JS } from 're2js';

/** A pattern takes so many steps a letter at most; those of the controllers known here are below 200. */
const largestProgram = 1000;

/**
 * A pattern of the users' own, as a RegExp that RE2 carries out: in time that grows with the message and no faster, whatever the
 * pattern is. V8's own engine tries again and again, and one (a+)+ would hold up everything that is settled.
 * @throws Error that says what is wrong with it
 */
export function linearPattern(source: string): RegExp {
  // Its groups of Unicode are not what they are in a RegExp.
  const re2 = RE2JS.compile(source, RE2JS.DISABLE_UNICODE_GROUPS);
  if (re2.programSize() > largestProgram) throw new Error('repeats too much');
  const names = Object.keys(re2.namedGroups());
  const pattern = new RegExp(source);
  // What RegExp's other methods go by, too.
  pattern.exec = (text) => {
    const matcher = re2.matcher(text);
    if (!matcher.find()) return null;
    const all = Array.from({ length: re2.groupCount() + 1 }, (_, i) => matcher.group(i) ?? undefined);
    const groups = names.map((name) => [name, matcher.group(name) ?? undefined] as const);
    return Object.assign(all as RegExpExecArray, {
      index: matcher.start(),
      input: text,
      ...(names.length > 0 && { groups: Object.fromEntries(groups) as Record<string, string> }),
    });
  };
  return pattern;
}
