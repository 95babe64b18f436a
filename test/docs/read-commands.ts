/** The commands that a page of documentation tells its reader to type, from its indented and its fenced blocks. */

const programs = [
  'rootspan',
  'npm',
  'npx',
  'cdk',
  'helm',
  'docker',
  'kubectl',
  'openssl',
  'aws',
  'git',
  'gh',
  'cosign',
];

export interface DocumentedCommand {
  line: number;
  /** As a shell gets it: continued lines are one, without a prompt and without the comment behind it. */
  command: string;
}

export function readCommands(markdown: string): DocumentedCommand[] {
  const found: DocumentedCommand[] = [];
  let isFenced = false;
  let open: DocumentedCommand | undefined;
  for (const [index, text] of markdown.split('\n').entries()) {
    if (/^\s*```/.test(text)) isFenced = !isFenced;
    const block = isFenced ? text : /^ {4,}(.*)$/.exec(text)?.[1];
    if (block === undefined) continue;
    const line = block
      .replace(/^\$ /, '')
      .replace(/\s+#\s.*$/, '')
      .trim();
    const isContinued = line.endsWith('\\');
    const part = isContinued ? line.slice(0, -1).trim() : line;
    if (open !== undefined) open.command += ` ${part}`;
    else if (programs.includes(line.split(' ')[0]!)) {
      open = { line: index + 1, command: part };
      found.push(open);
    }
    if (!isContinued) open = undefined;
  }
  return found;
}
