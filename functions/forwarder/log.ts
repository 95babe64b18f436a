/** One JSON object a line: level, time, message, fields. Never a payload, never the value of a header or a token. */

const levels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof levels)[number];
export const logLevels: readonly LogLevel[] = levels;

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

export function createLog(
  write: (line: string) => void,
  { least, now }: { least: LogLevel; now: () => number },
): Log {
  return (level, message, fields) => {
    if (levels.indexOf(level) < levels.indexOf(least)) return;
    write(`${JSON.stringify({ level, time: new Date(now()).toISOString(), message, ...fields })}\n`);
  };
}

/**
 * Name and first line: what comes after it quotes what was sent. What is reported comes from servers and the network,
 * and names no credentials there.
 */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as NodeJS.ErrnoException;
  const [line = ''] = error.message.split('\n', 1);
  return `${error.name}${typeof code === 'string' ? ` ${code}` : ''}: ${line.slice(0, 300)}`;
}
