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

function bash(): string {
  const cases = all.map(([name, { options, takesFiles }]) => {
    const values = Object.entries(options).flatMap(([option, it]) => {
      const choices = choicesOf(option, it);
      return choices === undefined ? [] : [`      ${name}:--${option}) words="${choices.join(' ')}" ;;`];
    });
    const files = Object.entries(options).flatMap(([option, { takes }]) =>
      takes === 'FILE' ? [`      ${name}:--${option}) files=1 ;;`] : [],
    );
    const names = Object.keys(options).map((option) => `--${option}`);
    const rest = `      ${name}:*) words="${names.join(' ')} ${words(name)}"; files=${takesFiles ? 1 : ''} ;;`;
    return [...values, ...files, rest].join('\n');
  });
  return `_rootspan() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}" words="" files=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${commandNames.join(' ')} --help --version"
  else
    case "\${COMP_WORDS[1]}:$before" in
${cases.join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ -n "$files" ] && [[ "$current" != -* ]]; then
    COMPREPLY+=($(compgen -f -- "$current"))
    compopt -o filenames 2>/dev/null
  fi
}
complete -F _rootspan rootspan
`;
}

/** Within single quotes of a shell, and of zsh's specs. */
const quoted = (text: string): string => text.replaceAll("'", "'\\''");
const spec = (text: string): string => quoted(text.replace(/[[\]:\\]/g, '\\$&'));

function zsh(): string {
  const cases = all.map(([name, { options, takesFiles }]) => {
    const specs = Object.entries(options).map(([option, it]) => {
      const choices = choicesOf(option, it);
      const values = choices !== undefined ? `(${choices.join(' ')})` : it.takes === 'FILE' ? '_files' : '';
      const takes = it.type === 'boolean' ? '' : `:${spec(it.takes ?? option)}:${values}`;
      const again = it.multiple ? '*' : '';
      return `        '${again}--${option}[${spec(it.does)}]${takes}'`;
    });
    const rest = takesFiles ? ["        '*:file:_files'"] : [];
    const shellNames = words(name) === '' ? [] : [`        '1:shell:(${words(name)})'`];
    return `      ${name})\n      _arguments \\\n${[...specs, ...rest, ...shellNames].join(' \\\n')}\n      ;;`;
  });
  return `#compdef rootspan
_rootspan() {
  local -a known
  known=(
${all.map(([name, { does }]) => `    '${name}:${spec(does)}'`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command known
    return
  fi
  local command="\${words[2]}"
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = _rootspan ]; then _rootspan "$@"; else compdef _rootspan rootspan; fi
`;
}

function fish(): string {
  const lines = ['complete -c rootspan -f'];
  for (const [name, { does, options, takesFiles }] of all) {
    lines.push(`complete -c rootspan -n __fish_use_subcommand -a ${name} -d '${fishText(does)}'`);
    const within = `complete -c rootspan -n '__fish_seen_subcommand_from ${name}'`;
    if (takesFiles) lines.push(`${within} -F`);
    if (words(name) !== '') lines.push(`${within} -a '${words(name)}'`);
    for (const [option, it] of Object.entries(options)) {
      const choices = choicesOf(option, it);
      const short = it.short === undefined ? '' : ` -s ${it.short}`;
      const value =
        choices !== undefined ? ` -x -a '${choices.join(' ')}'` : it.takes === 'FILE' ? ' -r -F' : ' -x';
      lines.push(
        `${within} -l ${option}${short}${it.type === 'boolean' ? '' : value} -d '${fishText(it.does)}'`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
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
