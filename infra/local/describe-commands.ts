/** Help: of all commands, and of one. */
import {
  type Command,
  type CommandName,
  type CommandOption,
  commandNames,
  commands,
} from './command-table.ts';

/** Columns, as the README's. */
const widest = 120;

/** @param call how the caller calls it: `rootspan`, or by npm in a checkout */
export function describeCommands(call: string): string {
  const width = Math.max(...commandNames.map((name) => name.length));
  return [
    "Rootspan: Kubernetes' Events as traces. Each change is one trace, and what it caused hangs under its cause.",
    '',
    `use: ${call} COMMAND …`,
    '',
    ...commandNames.map((name) => `  ${name.padEnd(width)}  ${commands[name].does}`),
    '',
    `  ${'--version'.padEnd(width)}  of Rootspan`,
    '',
    'To begin with:',
    '',
    ...layOut([
      [`${call} start`, 'a recorded rollout, to see what it looks like'],
      [`${call} start --live`, 'the cluster of your kubeconfig, until Ctrl-C'],
    ]),
    '',
    `${call} COMMAND --help says the rest.`,
    '',
  ].join('\n');
}

export function describeCommand(name: CommandName, call: string): string {
  const command: Command = commands[name];
  const options = Object.entries(command.options).map(
    ([option, it]) => [signature(option, it), meaning(it)] as const,
  );
  const examples = command.examples.map(([line, what]) => {
    const isPipe = line.startsWith('kubectl ');
    return [isPipe ? line : `${call} ${line}`, what] as const;
  });
  return [
    `${name}: ${command.does}`,
    '',
    `use: ${call} ${[name, command.takes, '[OPTION]…'].filter((part) => part !== '').join(' ')}`,
    ...(command.more === undefined ? [] : ['', command.more]),
    '',
    ...layOut(options),
    ...(examples.length === 0 ? [] : ['', 'Examples:', '', ...layOut(examples)]),
    '',
  ].join('\n');
}

function signature(option: string, { short, takes, choices, type }: CommandOption): string {
  const value = type === 'boolean' ? '' : ` ${takes ?? choices?.join('|')}`;
  return `${short === undefined ? '' : `-${short}, `}--${option}${value}`;
}

const meaning = ({ does, takes, choices }: CommandOption): string =>
  takes === undefined || choices === undefined ? does : `${does}; ${choices.join(', ')}`;

/** Two columns; what is longer than the first has a line of its own. */
function layOut(rows: readonly (readonly [left: string, right: string])[]): string[] {
  const fitting = rows.map(([left]) => left.length).filter((length) => length <= 48);
  const column = Math.max(0, ...fitting) + 2;
  return rows.flatMap(([left, right]) => {
    const lines = wrap(right, widest - column - 2).map((line) => `  ${' '.repeat(column)}${line}`);
    if (left.length + 2 > column) return [`  ${left}`, ...lines];
    const [first = '', ...rest] = lines;
    return [`  ${left.padEnd(column)}${first.slice(column + 2)}`.trimEnd(), ...rest];
  });
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text === '' ? [] : text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
