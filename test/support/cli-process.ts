// Owns arw-cli as a process under test: what it prints as it prints it, on pipes or on a terminal, gone when the test is over.

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { eventually } from './eventually.ts';

export const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

/** What Node asks, beside TERM, whether a terminal has colours; in CI it holds that none has. */
const COLOUR_SETTINGS = [
  'NO_COLOR',
  'FORCE_COLOR',
  'NODE_DISABLE_COLORS',
  'CI',
  'CI_NAME',
  'TMUX',
  'COLORTERM',
];

/** No settings of the one who runs the tests, and no file of profiles. */
export function cliEnvironment(given: Record<string, string> = {}): NodeJS.ProcessEnv {
  const { ARW_HUB_URL: _hub, ARW_ADMIN_TOKEN: _token, ARW_PROFILE: _profile, ...env } = process.env;
  for (const name of COLOUR_SETTINGS) delete env[name];
  return { ...env, XDG_CONFIG_HOME: '/nonexistent', ...given };
}

export class CliProcess {
  stdout = '';
  stderr = '';
  readonly ended: Promise<number | null>;
  readonly process: ChildProcessWithoutNullStreams;

  private constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.process = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.process.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.process.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    // Who has ended reads nothing any more.
    this.process.stdin.on('error', () => undefined);
    this.ended = new Promise((resolve) => this.process.once('close', resolve));
    onTestFinished(() => void this.process.kill('SIGKILL'));
  }

  static piped(args: readonly string[], env: NodeJS.ProcessEnv): CliProcess {
    return new CliProcess(process.execPath, [CLI, ...args], env);
  }

  /** In a line of the shell, whose `"$0" "$@"` is the program with these arguments. */
  static inShell(line: string, args: readonly string[], env: NodeJS.ProcessEnv): CliProcess {
    return new CliProcess('sh', ['-c', line, process.execPath, CLI, ...args], env);
  }

  /** On a terminal of its own, by the `script` of util-linux; what is typed goes to its stdin. */
  static onTerminal(
    args: readonly string[],
    env: NodeJS.ProcessEnv,
    { columns = 80, rows = 24 }: { columns?: number; rows?: number } = {},
  ): CliProcess {
    const words = [process.execPath, CLI, ...args].map((word) => `'${word}'`).join(' ');
    const line = `stty cols ${columns} rows ${rows} -echo; exec ${words}`;
    return new CliProcess('script', ['-qefc', line, '/dev/null'], {
      ...env,
      TERM: 'xterm-256color',
      SHELL: '/bin/sh',
    });
  }

  async prints(text: string, from = 0): Promise<void> {
    await eventually(`it prints "${text}"`, () => this.stdout.slice(from).includes(text));
  }

  async tells(text: string): Promise<void> {
    await eventually(`it tells "${text}"`, () => this.stderr.includes(text));
  }

  type(text: string): void {
    this.process.stdin.write(text);
  }

  signal(name: NodeJS.Signals): void {
    this.process.kill(name);
  }
}
