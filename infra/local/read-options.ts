/** The options and files of a command, by the table of commands. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UserError } from '../../shared/errors.ts';
import { nearWord } from '../../shared/near-word.ts';
import { type Command, type CommandName, commands } from './command-table.ts';
import type { CommandContext } from './run-command.ts';

type Caller = Pick<CommandContext, 'environment' | 'call'>;

type Parsed<N extends CommandName> = ReturnType<
  typeof parseArgs<{ allowPositionals: true; options: (typeof commands)[N]['options'] }>
>;

/**
 * What stands before npm's own `--`, npm keeps and leaves in npm_config_…: the command would do something else than what it was
 * told.
 * @throws UserError in one line; Node's own has a paragraph on arguments that begin with a dash
 */
export function readOptions<N extends CommandName>(name: N, args: string[], context: Caller): Parsed<N> {
  const command: Command = commands[name];
  checkTakenByNpm(command, context.environment);
  const config = { args, allowPositionals: true, options: command.options } satisfies ParseArgsConfig;
  let parsed: ReturnType<typeof parseArgs<typeof config>>;
  try {
    parsed = parseArgs(config);
  } catch (error) {
    throw new UserError(explainMistake(context, name, error as NodeJS.ErrnoException));
  }
  for (const [option, { choices, takes, check }] of Object.entries(command.options)) {
    const value = parsed.values[option];
    if (typeof value !== 'string') continue;
    if (value === '')
      throw new UserError(`--${option}: its ${takes ?? 'value'} is empty; ${seeHelp(context, name)}`);
    const wrong = check?.(value);
    if (wrong !== undefined) throw new UserError(`--${option} ${value}: ${wrong}`);
    // Several at once are read by the command itself.
    if (choices !== undefined && takes === undefined) checkChoice(option, value, choices);
  }
  if (command.takes === '' && parsed.positionals.length > 0)
    throw new UserError(`${parsed.positionals[0]}: ${name} takes no argument; ${seeHelp(context, name)}`);
  return parsed as Parsed<N>;
}

export const seeHelp = ({ call }: Pick<CommandContext, 'call'>, name: CommandName): string =>
  `${call} ${name} --help says what there is`;

/** @throws UserError where it is none of them */
export function checkChoice(
  noun: string,
  value: string,
  choices: readonly string[],
  where = `--${noun} `,
): void {
  if (choices.includes(value)) return;
  const meant = nearWord(value, choices);
  const advice = meant === undefined ? `choose ${choices.join(', ')}` : `is ${meant} meant?`;
  throw new UserError(`${where}${value}: no such ${noun}; ${advice}`);
}

function checkTakenByNpm({ options }: Command, environment: CommandContext['environment']): void {
  for (const option of Object.keys(options)) {
    if (environment[`npm_config_${option.replaceAll('-', '_')}`] === undefined) continue;
    throw new UserError(
      `npm took --${option} for itself; put -- before what is not for npm: npm run -s rootspan -- …, npm start -- …`,
    );
  }
}

function explainMistake(
  context: Caller,
  name: CommandName,
  { code, message }: NodeJS.ErrnoException,
): string {
  const options = Object.keys(commands[name].options);
  const [, written = ''] = /'-{1,2}([^' ,]*)/.exec(message) ?? [];
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const meant = nearWord(written, options);
    const dashes = /'(-{1,2})/.exec(message)?.[1] ?? '--';
    return `${dashes}${written}: ${name} has no such option; ${meant === undefined || dashes === '-' ? seeHelp(context, name) : `is --${meant} meant?`}`;
  }
  return `${message.split(/\n|\. To specify/)[0]}; ${seeHelp(context, name)}`;
}
