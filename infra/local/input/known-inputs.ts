/** What to do about input that makes no sense: the end of most messages. */
export const knownInputs =
  'give a recording, a kspan capture or the output of kubectl get events -o json|yaml';

/** Of text in which JSON or YAML was expected, by how its line begins. */
const foreignLines: readonly (readonly [pattern: RegExp, what: string])[] = [
  [
    /^(?:[IWEF]\d{4} \d\d:\d\d:\d\d|\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:)/,
    'a log line; put the log elsewhere (2>) and give what kubectl prints by itself',
  ],
  [
    /^(?:NAMESPACE|NAME|LAST SEEN|FIRST SEEN|LASTSEEN)\s{2,}\S/,
    "kubectl's table; add -o json to the command that printed it",
  ],
  [
    /^(?:[$>]|PS \S*>|\S+@\S+[$#]) ?kubectl\b/,
    "a terminal's transcript; redirect what kubectl prints into a file of its own",
  ],
  [
    /^(?:Warning|[Ee]rror|Error from server.*|Unable to connect.*): /,
    'a word of kubectl to you; put it elsewhere (2>) and give what kubectl prints by itself',
  ],
  [/^No resources found/, 'kubectl found nothing; ask for -A, or for another namespace'],
];

/** What a line that is neither JSON nor YAML is instead, and what to do about it; quotes nothing of it. */
export const foreignLine = (line: string): string | undefined =>
  foreignLines.find(([pattern]) => pattern.test(line))?.[1];
