import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UserError } from '../../shared/errors.ts';

/**
 * The options and files of a command. What stands before npm's own `--`, npm keeps and leaves in npm_config_…: the command
 * would do something else than what it was told.
 * @throws UserError in one line, with the usage; Node's own has a paragraph on arguments that begin with a dash
 */
export function readOptions<T extends ParseArgsConfig>(
  config: T,
  usage: string,
  environment: Readonly<Record<string, string | undefined>>,
): ReturnType<typeof parseArgs<T>> {
  for (const name of Object.keys(config.options ?? {})) {
    if (environment[`npm_config_${name.replaceAll('-', '_')}`] === undefined) continue;
    throw new UserError(
      `npm took --${name} for itself; put -- before what is not for npm: npm run -s rootspan -- …, npm start -- …`,
    );
  }
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UserError(`${(error as Error).message.split(/\n|\. To specify/)[0]}; ${usage}`);
  }
}
