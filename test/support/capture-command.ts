/** A command in this process, as a user meets it who pipes it elsewhere. */
import type { CommandContext } from '../../infra/local/run-command.ts';

export interface Captured {
  stdout: string;
  stderr: string;
  /** As the command left it; whoever asks resets `process.exitCode` after each test. */
  exit: typeof process.exitCode;
}

/** @throws what the command throws */
export async function captureCommand(
  command: (context: CommandContext) => Promise<void>,
  workingDirectory = '.',
): Promise<Captured> {
  let [stdout, stderr] = ['', ''];
  await command({
    args: [],
    environment: {},
    workingDirectory,
    async write(text) {
      stdout += text;
    },
    say(text) {
      stderr += text;
    },
    untilStopped: new AbortController().signal,
    output: { isTerminal: false, width: 120, color: false },
    progress: { show: () => {}, end: () => {} },
    isProgressShown: false,
    call: 'rootspan',
  });
  return { stdout, stderr, exit: process.exitCode ?? 0 };
}
