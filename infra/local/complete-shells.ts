/** `rootspan completion SHELL`: a script that completes commands, options, their values, and files; written from the table. */
import { UserError } from '../../shared/errors.ts';
import { type Command, type CommandOption, commandNames, commands } from './command-table.ts';
import { checkChoice, readOptions } from './read-options.ts';
import type { CommandContext } from './run-command.ts';

const shells: Readonly<Record<string, () => string>> = { bash, zsh, fish };

const all: readonly (readonly [name: string, command: Command])[] = commandNames.map(
  (name) => [name, commands[name]] as const,
);

const choicesOf = (name: string, { choices }: CommandOption): readonly string[] | undefined =>
  name === 'help' ? undefined : choices;

/** What a command takes in place of a file. */
const words = (name: string): string => (name === 'completion' ? Object.keys(shells).join(' ') : '');

/** What may stand first beside the commands of the table. */
const helpCommand = ['help', 'of all commands, or of one'] as const;
const flags = [
  ['help', 'of all commands'],
  ['version', 'of Rootspan'],
] as const;

/** Its long name, and its letter. */
const spellings = (option: string, { short }: CommandOption): string[] => [
  `--${option}`,
  ...(short === undefined ? [] : [`-${short}`]),
];

/** What a command prints, or nothing where it is not there. */
const listed = (command: string): string => `$(${command} 2>/dev/null)`;

/** After an option that takes a value. */
function bashValues(name: string, option: string, it: CommandOption): string[] {
  if (it.type === 'boolean') return [];
  const choices = choicesOf(option, it);
  const what =
    choices !== undefined
      ? `words="${choices.join(' ')}"`
      : it.listedBy !== undefined
        ? `words="${listed(it.listedBy)}"`
        : it.takes === 'FILE'
          ? 'files=1'
          : 'return';
  const spelled = spellings(option, it).map((each) => `${name}:${each}`);
  return [`      ${spelled.join('|')}) ${what} ;;`];
}

function bash(): string {
  const cases = all.map(([name, { options, takesFiles }]) => {
    const values = Object.entries(options).flatMap(([option, it]) => bashValues(name, option, it));
    const names = Object.keys(options).map((option) => `--${option}`);
    const rest = `      ${name}:*) words="${names.join(' ')} ${words(name)}"; files=${takesFiles ? 1 : ''} ;;`;
    return [...values, rest].join('\n');
  });
  return `_rootspan() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}" words="" files="" colon=""
  COMPREPLY=()
  # A colon (the contexts of EKS have some) ends a word for bash, which then puts in what stands after it.
  if [[ "\${COMP_LINE:0:COMP_POINT}" =~ \\ (-[^\\ ]+)\\ ([^\\ ]*:[^\\ ]*)$ ]]; then
    before="\${BASH_REMATCH[1]}" current="\${BASH_REMATCH[2]}"
    colon="\${current%"\${current##*:}"}"
  fi
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${commandNames.join(' ')} help --help --version"
  else
    case "\${COMP_WORDS[1]}:$before" in
${cases.join('\n')}
      help:*) words="${commandNames.join(' ')}" ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ -n "$files" ] && [[ "$current" != -* ]]; then
    COMPREPLY+=($(compgen -f -- "$current"))
    compopt -o filenames 2>/dev/null
  fi
  COMPREPLY=("\${COMPREPLY[@]#"$colon"}")
}
complete -F _rootspan rootspan
`;
}

/** Within single quotes of a shell, and of zsh's specs. */
const quoted = (text: string): string => text.replaceAll("'", "'\\''");
const spec = (text: string): string => quoted(text.replace(/[[\]:\\]/g, '\\$&'));

function zshValues(option: string, it: CommandOption): string {
  const choices = choicesOf(option, it);
  if (choices !== undefined) return `(${choices.join(' ')})`;
  if (it.listedBy !== undefined) return `{compadd -- \${(f)"${listed(it.listedBy)}"}}`;
  return it.takes === 'FILE' ? '_files' : '';
}

function zsh(): string {
  const cases = all.map(([name, { options, takesFiles }]) => {
    const specs = Object.entries(options).map(([option, it]) => {
      const takes = it.type === 'boolean' ? '' : `:${spec(it.takes ?? option)}:${zshValues(option, it)}`;
      const spelled = spellings(option, it);
      const once = it.multiple ? '*' : `(${spelled.join(' ')})`;
      const each = spelled.length === 1 ? `'${once}--${option}` : `'${once}'{${spelled.join(',')}}'`;
      return `        ${each}[${spec(it.does)}]${takes}'`;
    });
    const rest = takesFiles ? ["        '*:file:_files'"] : [];
    const shellNames = words(name) === '' ? [] : [`        '1:shell:(${words(name)})'`];
    return `      ${name})\n      _arguments \\\n${[...specs, ...rest, ...shellNames].join(' \\\n')}\n      ;;`;
  });
  return `#compdef rootspan
_rootspan() {
  local -a known flags
  known=(
${[...all.map(([name, { does }]) => [name, does] as const), helpCommand].map(([name, does]) => `    '${name}:${spec(does)}'`).join('\n')}
  )
  flags=(
${flags.map(([name, does]) => `    '--${name}:${spec(does)}'`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command known
    _describe -o option flags
    return
  fi
  local command="\${words[2]}"
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases.join('\n')}
      help)
      _arguments '1:command:(${commandNames.join(' ')})'
      ;;
  esac
}
if [ "$funcstack[1]" = _rootspan ]; then _rootspan "$@"; else compdef _rootspan rootspan; fi
`;
}

function fish(): string {
  const [help, ofHelp] = helpCommand;
  const first = 'complete -c rootspan -n __fish_use_subcommand';
  const lines = [
    'complete -c rootspan -f',
    ...flags.map(([name, does]) => `${first} -l ${name} -d '${fishText(does)}'`),
    `${first} -a ${help} -d '${fishText(ofHelp)}'`,
    `complete -c rootspan -n '__fish_seen_subcommand_from ${help}' -a '${commandNames.join(' ')}'`,
  ];
  for (const [name, { does, options, takesFiles }] of all) {
    lines.push(`${first} -a ${name} -d '${fishText(does)}'`);
    const within = `complete -c rootspan -n '__fish_seen_subcommand_from ${name}; and not __fish_seen_subcommand_from ${help}'`;
    if (takesFiles) lines.push(`${within} -F`);
    if (words(name) !== '') lines.push(`${within} -a '${words(name)}'`);
    for (const [option, it] of Object.entries(options)) {
      const short = it.short === undefined ? '' : ` -s ${it.short}`;
      lines.push(`${within} -l ${option}${short}${fishValues(option, it)} -d '${fishText(it.does)}'`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function fishValues(option: string, it: CommandOption): string {
  const choices = choicesOf(option, it);
  if (it.type === 'boolean') return '';
  if (choices !== undefined) return ` -x -a '${choices.join(' ')}'`;
  if (it.listedBy !== undefined) return ` -x -a '(${it.listedBy} 2>/dev/null)'`;
  return it.takes === 'FILE' ? ' -r -F' : ' -x';
}

const fishText = (text: string): string => text.replace(/[\\']/g, '\\$&');

export async function completionCommand(context: CommandContext, args: string[]): Promise<void> {
  const { positionals } = readOptions('completion', args, context);
  const [shell, ...more] = positionals;
  if (shell === undefined || more.length > 0)
    throw new UserError(`name one shell: ${Object.keys(shells).join(', ')}`);
  checkChoice('shell', shell, Object.keys(shells), '');
  await context.write(shells[shell]!());
}
