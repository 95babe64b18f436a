/**
 * The edge between a command and the process: the one place that reads the environment and ends the process.
 */
import { once } from 'node:events';
import { UserError } from '../../shared/errors.ts';

export interface CommandContext {
  args: string[];
  environment: Readonly<Record<string, string | undefined>>;
  /** Where the caller stands: npm runs scripts elsewhere and leaves it in INIT_CWD. */
  workingDirectory: string;
  /** To standard output; resolves when it can take more. */
  write(text: string): Promise<void>;
  /** Progress, to standard error. */
  say(text: string): void;
  /** Aborted by the first Ctrl-C or SIGTERM, for a command that goes on until then; the second ends the process. */
  untilStopped: AbortSignal;
  /** What standard output can show. */
  output: { isTerminal: boolean; width: number; color: boolean };
  /** How far long work is, to standard error where that is a terminal. */
  progress: Progress;
  isProgressShown: boolean;
  /** How the caller calls this, for advice. */
  call: string;
}

export interface Progress {
  /** Written over what was shown before. */
  show(stage: string, detail: string): void;
  /** Leaves nothing behind. */
  end(): void;
}

/**
 * Runs a command. What the user can put right is one line on standard error and exit 2; anything else is a bug and
 * says so with its stack.
 */
export async function runCommand(command: (context: CommandContext) => Promise<void>): Promise<void> {
  const { argv, env, stdout, stderr } = process;
  // A reader that has seen enough (`| head`) is no error.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  const progress = createProgress(stderr);
  try {
    await command({
      args: argv.slice(2),
      environment: env,
      workingDirectory: env.INIT_CWD ?? process.cwd(),
      write: async (text) => {
        if (!stdout.write(text)) await once(stdout, 'drain');
      },
      say: (text) => stderr.write(text),
      get untilStopped() {
        return untilStopped();
      },
      output: stdout.isTTY
        ? { isTerminal: true, width: stdout.columns ?? 100, color: !env.NO_COLOR && env.TERM !== 'dumb' }
        : { isTerminal: false, width: 120, color: false },
      progress,
      isProgressShown: stderr.isTTY === true,
      call: howCalled(env),
    });
  } catch (error) {
    progress.end();
    if (!(error instanceof UserError)) throw error;
    // Others' words in it (an API server's, a file's) may have lines of their own.
    stderr.write(`rootspan: ${error.message.replace(/\s*\n\s*/g, ' ').trim()}\n`);
    process.exitCode = 2;
  }
}

function howCalled({ npm_lifecycle_event: script }: NodeJS.ProcessEnv): string {
  if (script === 'start' || script === 'rootspan') return 'npm run -s rootspan --';
  return script === 'npx' ? 'npx rootspan' : 'rootspan';
}

/** Milliseconds: more often nobody reads it, and writing it takes time of its own. */
const shownEvery = 100;

function createProgress(stderr: NodeJS.WriteStream): Progress {
  let stage = '';
  let shownAt = 0;
  if (!stderr.isTTY) return { show: () => {}, end: () => {} };
  return {
    show(name, detail) {
      if (name === stage && Date.now() - shownAt < shownEvery) return;
      stage = name;
      shownAt = Date.now();
      stderr.write(`\r\x1b[K${`${name} ${detail}`.slice(0, (stderr.columns ?? 80) - 1)}`);
    },
    end() {
      if (stage !== '') stderr.write('\r\x1b[K');
      stage = '';
    },
  };
}

function untilStopped(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}
