/** The command line: `rootspan COMMAND`, and in a checkout `npm run -s rootspan -- COMMAND`. */
import { UserError } from '../../shared/errors.ts';
import { nearWord } from '../../shared/near-word.ts';
import { type CommandName, commandNames, commands } from './command-table.ts';
import { describeCommand, describeCommands } from './describe-commands.ts';
import { type CommandContext, runCommand } from './run-command.ts';
import { rootspanVersion } from './version.ts';

type Run = (context: CommandContext, args: string[]) => Promise<void>;

/** Loaded where it is asked for: the AWS clients take longer than a recording to explain. */
const load: Readonly<Record<CommandName, () => Promise<Run>>> = {
  explain: async () => (await import('./explain-command.ts')).explainCommand,
  start: async () => (await import('./start.ts')).startCommand,
  record: async () => (await import('./record.ts')).recordCommand,
  trace: async () => (await import('./trace-command.ts')).traceCommand,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
  simulate: async () => (await import('./simulate/simulate-command.ts')).simulateCommand,
  'replay-set-aside': async () => (await import('./replay-set-aside.ts')).replaySetAsideCommand,
  completion: async () => (await import('./complete-shells.ts')).completionCommand,
};

const isCommand = (name: string): name is CommandName => Object.hasOwn(commands, name);
const isHelp = (arg: string | undefined): boolean => arg === '--help' || arg === '-h';

await runCommand(async (context) => {
  const { args, call, write } = context;
  const [name, ...rest] = args;
  if (name === '--version' || name === '-V' || name === 'version') return write(`${rootspanVersion()}\n`);
  if (isHelp(name) || (name === 'help' && rest[0] === undefined)) return write(describeCommands(call));
  if (name === undefined) throw new UserError(`no command; ${call} --help lists them`);
  if (name === 'help')
    return write(rest[0] === 'help' ? describeCommands(call) : describeCommand(commandOf(rest[0]!), call));
  const command = commandOf(name);
  // What stands behind -- is no option.
  const options = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest;
  if (options.some(isHelp)) return write(describeCommand(command, call));
  const run = await load[command]();
  return run(context, rest);
});

function commandOf(name: string): CommandName {
  if (isCommand(name)) return name;
  const meant = nearWord(name, [...commandNames, 'help', '--help', '--version']);
  const advice = meant === undefined ? `the commands are ${commandNames.join(', ')}` : `is ${meant} meant?`;
  throw new UserError(`no ${name.startsWith('-') ? 'option' : 'command'} ${name}; ${advice}`);
}
