// Owns the machine on which the docs are executed: a home folder, the programs on the PATH, and what the README's first
// command starts. What the text cannot know is put in its place: addresses, ports, tokens, names.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { JoinTokenResponseSchema } from '../../contract/node-api.ts';
import { ROOT, type Block } from './docs-blocks.ts';
import { freePort } from './engine-process.ts';
import { eventually } from './eventually.ts';

const UNTIL_MS = 240_000;
const ENDS_WITHIN_MS = 20_000;

/** Programs of the package, as an installed one has them. */
const PROGRAMS = {
  'arw-reporter': 'reporter/main.ts',
  'arw-cli': 'cli/main.ts',
  'arw-hub': 'selfhost/main.ts',
};

/** `npx wrangler` without an account: a deployment is built and not uploaded, of other commands it is seen that they exist. */
const NPX = `#!/bin/bash
[ "$1" = wrangler ] || exit 64
case "$2" in
  deploy) exec "${ROOT}/node_modules/.bin/wrangler" "\${@:2}" --dry-run ;;
  secret) exec "${ROOT}/node_modules/.bin/wrangler" "$2" "$3" --help ;;
  *) exec "${ROOT}/node_modules/.bin/wrangler" "$2" --help ;;
esac
`;

/** \`sqlite3 FILE ".backup 'TO'"\`, by the SQLite of Node: the program itself is not on every machine. */
const SQLITE = `#!/usr/bin/env node
const { backup, DatabaseSync } = require('node:sqlite');
const [, , file, command] = process.argv;
const [, to] = /^\\.backup '(.+)'$/.exec(command) ?? process.exit(64);
backup(new DatabaseSync(file), to);
`;

export type Finished = { exitCode: number | null; output: string };

export class DocsWorld {
  readonly folder: string;
  hubUrl = '';
  token = '';
  #gatewayUrl = '';
  #fleet: Running | undefined;
  #nodes = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(engine: { llamaServer: string; model: string }): Promise<DocsWorld> {
    const world = new DocsWorld(await mkdtemp(join(tmpdir(), 'runtime-matrix-docs-')));
    const { home } = world;
    for (const path of [
      'models',
      'llama.cpp/build/bin',
      '.config/fish/completions',
      '.config/runtime-matrix',
    ]) {
      await mkdir(join(home, path), { recursive: true });
    }
    await mkdir(world.bin);
    await symlink(engine.model, join(home, 'models/qwen.gguf'));
    await script(
      join(home, 'llama.cpp/build/bin/llama-server'),
      `#!/bin/sh\nexec "${engine.llamaServer}" "$@"\n`,
    );
    for (const [name, file] of Object.entries(PROGRAMS)) {
      await script(join(world.bin, name), `#!/bin/sh\nexec "${process.execPath}" "${ROOT}/${file}" "$@"\n`);
    }
    await script(join(world.bin, 'npx'), NPX);
    await script(join(world.bin, 'sqlite3'), SQLITE);
    await writeFile(join(home, '.config/runtime-matrix/runtimes.toml'), 'version = 1\n');
    // A refusal of the hub is a failure of the command.
    await writeFile(join(home, '.curlrc'), 'fail-with-body\n');
    return world;
  }

  private get home(): string {
    return join(this.folder, 'home');
  }

  private get bin(): string {
    return join(this.folder, 'bin');
  }

  /** The README's first command: what all the others look at. */
  async start(block: Block): Promise<void> {
    const port = await freePort();
    const gateway = await freePort();
    const text = block.text
      // CI begins with it, and it would take away what this test runs on.
      .replace('npm ci && ', '')
      .replace('npm start', `npm start -- --port ${port} --data ${join(this.folder, 'fleet')}`);
    this.#fleet = this.#run(text, { ARW_GATEWAY_PORT: String(gateway) });
    const output = await this.#fleet.prints(/^local: Ready/m);
    this.token = /^ARW_ADMIN_TOKEN=(\S+)$/m.exec(output)?.[1] ?? '';
    this.hubUrl = /^matrix: (http\S+)\/state\/runtime_matrix$/m.exec(output)?.[1] ?? '';
    this.#gatewayUrl = `http://127.0.0.1:${gateway}`;
  }

  async stop(): Promise<void> {
    await this.#fleet?.interrupt();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  /** Runs the block as its comment says. */
  async execute({ text, how }: Block): Promise<Finished> {
    if (how.kind === 'syntax') return this.#run(text, {}, ['-n']).finished;
    const running = this.#run(
      await this.#filledIn(text),
      how.kind === 'host' ? this.#host() : await this.#guest(),
    );
    if (how.kind !== 'until') return running.finished;
    await running.prints(new RegExp(how.text.replaceAll(/[.*+?^$()[\]{}|\\]/g, '\\$&')));
    await running.interrupt();
    return { exitCode: 0, output: running.output };
  }

  /** What a reader puts in by hand. */
  async #filledIn(text: string): Promise<string> {
    let filled = text
      .replaceAll(/https:\/\/(hub\.example|runtime-matrix\.<subdomain>\.workers\.dev)/g, this.hubUrl)
      .replaceAll('http://127.0.0.1:8780', this.#gatewayUrl)
      .replaceAll('http://127.0.0.1:8787', this.hubUrl)
      .replaceAll('ARW_ADMIN_TOKEN=...', `ARW_ADMIN_TOKEN=${this.token}`)
      // Names that nobody ever has: a test calls no stranger.
      .replaceAll(/https:\/\/(hooks\.slack\.com|discord\.com)/g, 'https://receiver.example')
      .replaceAll('<request id>', 'a-request-id')
      // Whatever has changed here may be more than a tiny model takes.
      .replaceAll('git diff |', 'git diff -- LICENSE |')
      .replaceAll('/var/lib/arw-hub', join(this.folder, 'fleet/hub'))
      .replaceAll('/backup', join(this.folder, 'backup'))
      .replaceAll('./hub-data', join(this.folder, 'hub-data'))
      // The one node and the one model that are there.
      .replaceAll('gpu-01', 'local')
      .replaceAll('--model qwen3', '--model llama.local');
    if (/npm start$/m.test(filled)) {
      const own = `--port ${await freePort()} --data ${join(this.folder, 'own-fleet')}`;
      filled = filled.replace(/npm start$/m, `npm start -- ${own}`);
    }
    while (filled.includes('--port 8787'))
      filled = filled.replace('--port 8787', `--port ${await freePort()}`);
    while (filled.includes('ARW_JOIN_TOKEN=...')) {
      filled = filled.replace('ARW_JOIN_TOKEN=...', `ARW_JOIN_TOKEN=${await this.#joinToken()}`);
    }
    if (filled.includes('/backup')) await mkdir(join(this.folder, 'backup'), { recursive: true });
    return filled;
  }

  /** A host of its own for each block. */
  async #guest(): Promise<Record<string, string>> {
    this.#nodes += 1;
    const node = `docs-${this.#nodes}`;
    return {
      ARW_HUB_URL: this.hubUrl,
      ARW_ADMIN_TOKEN: this.token,
      ARW_JOIN_TOKEN: await this.#joinToken(),
      ARW_NODE_ID: node,
      ARW_GATEWAY_PORT: '0',
    };
  }

  /** The host that the README's first command has made. */
  #host(): Record<string, string> {
    return {
      ARW_HUB_URL: this.hubUrl,
      ARW_NODE_ID: 'local',
      ARW_MANIFEST: join(this.folder, 'fleet/runtimes.toml'),
      ARW_STATE_DIR: join(this.folder, 'fleet/node'),
    };
  }

  async #joinToken(): Promise<string> {
    const answer = await fetch(`${this.hubUrl}/join-tokens`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.token}` },
    });
    return v.parse(JoinTokenResponseSchema, await answer.json()).join_token;
  }

  #run(
    text: string,
    env: Record<string, string>,
    flags: readonly string[] = ['-e', '-o', 'pipefail'],
  ): Running {
    const inherited = Object.entries(process.env).filter(
      ([name]) =>
        !/^(ARW_|OTEL_|LLAMA_|FLEET_|SMOKE_|VITEST|NODE_OPTIONS|NODE_ENV|MODE$|TEST$|DEV$|PROD$)/.test(name),
    );
    const prefix = join(this.folder, 'prefix');
    const child = spawn('bash', [...flags, '-c', text], {
      cwd: ROOT,
      detached: true,
      env: {
        ...Object.fromEntries(inherited),
        HOME: this.home,
        CURL_HOME: this.home,
        XDG_CONFIG_HOME: join(this.home, '.config'),
        XDG_STATE_HOME: join(this.home, '.local/state'),
        XDG_DATA_HOME: join(this.home, '.local/share'),
        // npm goes on with the cache and the settings of who runs the test, and installs into this folder.
        npm_config_cache: process.env['npm_config_cache'] ?? join(homedir(), '.npm'),
        npm_config_userconfig: process.env['npm_config_userconfig'] ?? join(homedir(), '.npmrc'),
        npm_config_prefix: prefix,
        PATH: `${join(prefix, 'bin')}:${this.bin}:${process.env['PATH'] ?? ''}`,
        NO_COLOR: '1',
        ...env,
      },
      stdio: 'pipe',
    });
    // Whoever asks for a token gets it here.
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${this.token}\n`);
    return new Running(child);
  }
}

class Running {
  output = '';
  readonly finished: Promise<Finished>;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    this.finished = once(child, 'close').then(() => ({ exitCode: child.exitCode, output: this.output }));
  }

  async prints(wanted: RegExp): Promise<string> {
    const ended = (): boolean => this.#child.exitCode !== null || this.#child.signalCode !== null;
    await eventually(`it prints ${wanted}`, () => wanted.test(this.output) || ended(), UNTIL_MS);
    if (!wanted.test(this.output)) throw new Error(`it ended before it printed ${wanted}:\n${this.output}`);
    return this.output;
  }

  /** Ctrl-C, for all that it has started. */
  async interrupt(): Promise<void> {
    this.#signal('SIGINT');
    const isOver = await Promise.race([
      this.finished.then(() => true),
      sleep(ENDS_WITHIN_MS, false, { ref: false }),
    ]);
    this.#signal('SIGKILL');
    if (!isOver) throw new Error(`it does not end after Ctrl-C:\n${this.output}`);
  }

  #signal(signal: 'SIGINT' | 'SIGKILL'): void {
    try {
      process.kill(-(this.#child.pid ?? 0), signal);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}

async function script(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o755 });
}
