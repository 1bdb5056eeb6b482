// Owns a host of a test: a manifest, a state directory, and the reporter as a process on it. What runs there is gone when
// the test is over.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'smol-toml';
import { onTestFailed, onTestFinished } from 'vitest';
import { Program } from '../../scripts/fleet/program.ts';
import { freePort } from './engine-process.ts';
import { eventually } from './eventually.ts';
import { JOIN_TOKEN } from './fake-hub.ts';
import { processesWith } from './processes.ts';
import { run, type Finished } from './shell.ts';
import { STUB } from './supervised-stub.ts';
import { temporaryFolder } from './temporary-folder.ts';

const MAIN = fileURLToPath(new URL('../../reporter/main.ts', import.meta.url));
const ENGINE = fileURLToPath(new URL('../fixtures/programs/openai-engine.ts', import.meta.url));
export const NODE = 'gpu-01';
const MANIFEST = 'version = 1\n';

/** Our own environment without what would steer a reporter, and with what a test gives. */
export function environment(extra: Record<string, string>): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(ARW_|OTEL_|WATCHDOG_|NOTIFY_SOCKET$)/.test(name),
  );
  // Reporters of tests run side by side; each gets a gateway's port of its own.
  return { ...Object.fromEntries(inherited), ARW_GATEWAY_PORT: '0', ...extra };
}

export class Host {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async prepare(manifest = MANIFEST): Promise<Host> {
    const host = new Host(await temporaryFolder());
    await writeFile(host.manifest, manifest);
    return host;
  }

  get manifest(): string {
    return join(this.folder, 'runtimes.toml');
  }

  get stateDir(): string {
    return join(this.folder, 'state');
  }

  /** Its manifest names one runtime, `llama`: the stub with these flags. */
  async superviseStub(...args: string[]): Promise<void> {
    const port = await freePort();
    const model = join(this.folder, 'tiny.gguf');
    await writeFile(model, 'a model that nobody reads');
    const stub = {
      command: process.execPath,
      args: [STUB, '-m', model, '--port', String(port), ...args],
      stop_timeout_seconds: 1,
    };
    await writeFile(
      this.manifest,
      stringify({ version: 1, runtimes: [{ id: 'llama', adapter: 'llama.cpp', process: stub }] }),
    );
  }

  /** Its manifest names one runtime, `llama`: a server that answers, and tells nothing of what it works on. */
  async superviseTacit(gateway: { enabled: boolean }): Promise<void> {
    const port = await freePort();
    const tacit = {
      command: process.execPath,
      args: [ENGINE, String(port)],
      health: { url: `http://127.0.0.1:${port}/health` },
      stop_timeout_seconds: 1,
    };
    const runtimes = [{ id: 'llama', adapter: 'process', process: tacit }];
    await writeFile(this.manifest, stringify({ version: 1, gateway, runtimes }));
  }

  /** What runs with this host's model in its command line. */
  async children(): Promise<string[]> {
    return processesWith(join(this.folder, 'tiny.gguf'));
  }

  /** False where a test is about what a reporter does that was not told to. */
  stopChildren = true;

  args(...more: string[]): string[] {
    const where = ['--node', NODE, '--manifest', this.manifest, '--state-dir', this.stateDir];
    // A test leaves nothing behind; that models outlive a reporter is told end to end.
    return [MAIN, 'run', ...where, ...(this.stopChildren ? ['--stop-children'] : []), ...more];
  }

  /** Another command than `run`, to its end, on this host. */
  command(name: string, env: Record<string, string>, ...more: string[]): Promise<Finished> {
    const where = ['--node', NODE, '--state-dir', this.stateDir];
    return run(process.execPath, [MAIN, name, ...where, ...more], { env: environment(env) });
  }

  finish(env: Record<string, string>, ...more: string[]): Promise<Finished> {
    return run(process.execPath, this.args(...more), { env: environment(env) });
  }

  start(hub: URL, env: Record<string, string> = {}, ...more: string[]): Running {
    return new Running(this, hub, env, more);
  }
}

class Running {
  readonly program: Program;
  readonly lines: string[] = [];

  constructor(host: Host, hub: URL, env: Record<string, string>, more: readonly string[] = []) {
    const note = (line: string): void => void this.lines.push(line);
    this.program = new Program({
      name: 'the reporter',
      args: host.args('--hub', hub.href, ...more),
      env: environment({ ARW_JOIN_TOKEN: JOIN_TOKEN, ...env }),
      readyLine: /^reporter ready gpu-01$/,
      onLine: note,
      onErrorLine: note,
    });
    onTestFailed(() => {
      process.stderr.write(`${this.lines.join('\n')}\n`);
    });
    onTestFinished(async () => {
      await this.program.stop();
    });
  }

  async says(text: string): Promise<string> {
    return eventually(`the reporter says "${text}"`, () => this.lines.find((line) => line.includes(text)));
  }
}
