import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UserError } from '../../shared/errors.ts';

/**
 * The options and files of a command.
 * @throws UserError in one line, with the usage; Node's own has a paragraph on arguments that begin with a dash
 */
export function readOptions<T extends ParseArgsConfig>(
  config: T,
  usage: string,
): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UserError(`${(error as Error).message.split(/\n|\. To specify/)[0]}; ${usage}`);
  }
}
