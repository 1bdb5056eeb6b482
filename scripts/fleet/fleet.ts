// Owns a fleet of one on this machine: hub, reporter and engine, started in order and ended in reverse.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { JoinTokenResponseSchema } from '../../contract/node-api.ts';
import type { Engine } from '../engine/find-engine.ts';
import { freePort } from './free-port.ts';
import { manifestText } from './manifest.ts';
import { Program, type ProgramEnded } from './program.ts';

const NODE = 'local';
const PREFERRED_ENGINE_PORT = 8081;
const PREFERRED_GATEWAY_PORT = 8780;

export type FleetOptions = {
  directory: string;
  host: string;
  port: number;
  env: NodeJS.ProcessEnv;
  /** The reporter to run; its source where none is named. */
  reporterProgram?: string;
  /** Each program of ours as soon as it runs. */
  onStarted?: (program: StartedProgram) => void;
  /** What they say; without it their stderr is ours. */
  onLine?: (program: ProgramName, line: string) => void;
} & ({ engine: Engine; modelPath: string } | { manifest: string });

export type ProgramName = 'hub' | 'reporter';
export type StartedProgram = { name: ProgramName; pid: number };

export type Fleet = {
  hubUrl: string;
  /** The OpenAI-compatible door of this host. */
  gatewayUrl: string;
  adminToken: string;
  node: string;
  reporterPid: number;
  /** Resolves when the hub or the reporter ends, whoever is first. */
  ended: Promise<ProgramEnded>;
  stop(): Promise<void>;
};

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { directory, env } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const programs: Program[] = [];
  const note = (name: ProgramName, running: Program): void => {
    programs.push(running);
    options.onStarted?.({ name, pid: running.pid });
  };
  const said = (name: ProgramName) => (line: string) => options.onLine?.(name, line);
  const errorLines = (name: ProgramName): { onErrorLine?: (line: string) => void } =>
    options.onLine === undefined ? {} : { onErrorLine: said(name) };
  const stop = async (): Promise<void> => {
    // The reporter first: its last words should find a hub.
    for (const running of programs.toReversed()) await running.stop();
  };
  try {
    let adminToken = env['ARW_ADMIN_TOKEN'] ?? '';
    const hub = new Program({
      name: 'the hub',
      args: [
        program('selfhost'),
        '--host',
        options.host,
        '--port',
        String(options.port),
        '--data',
        join(directory, 'hub'),
      ],
      env,
      readyLine: /^hub ready (http:\S+)$/,
      onLine: (line) => {
        said('hub')(line);
        adminToken = /^ARW_ADMIN_TOKEN=(\S+)$/.exec(line)?.[1] ?? adminToken;
      },
      ...errorLines('hub'),
    });
    note('hub', hub);
    const [, hubUrl = ''] = await hub.ready;

    const stateDir = join(directory, 'node');
    const manifest = join(directory, 'runtimes.toml');
    const gatewayPort = Number(env['ARW_GATEWAY_PORT']) || (await freePort(PREFERRED_GATEWAY_PORT));
    await writeFile(
      manifest,
      'manifest' in options ? options.manifest : await engineManifest(options, gatewayPort),
    );
    const reporter = new Program({
      name: 'the reporter',
      args: [
        options.reporterProgram ?? program('reporter'),
        'run',
        '--hub',
        hubUrl,
        '--node',
        NODE,
        '--manifest',
        manifest,
        '--state-dir',
        stateDir,
        '--stop-children',
      ],
      env: {
        ...env,
        ARW_GATEWAY_PORT: String(gatewayPort),
        ARW_JOIN_TOKEN: await joinTokenFor(hubUrl, adminToken, stateDir),
      },
      readyLine: /^reporter ready \S+$/,
      onLine: said('reporter'),
      ...errorLines('reporter'),
    });
    note('reporter', reporter);
    await reporter.ready;
    const ended = Promise.race(programs.map((running) => running.ended));
    const gatewayUrl = `http://127.0.0.1:${gatewayPort}`;
    return { hubUrl, gatewayUrl, adminToken, node: NODE, reporterPid: reporter.pid, ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** One runtime, on the engine and the model that were found. */
async function engineManifest(
  { engine, modelPath, env }: { engine: Engine; modelPath: string; env: NodeJS.ProcessEnv },
  gatewayPort: number,
): Promise<string> {
  const port = Number(env['LLAMA_SERVER_PORT'] || (await freePort(PREFERRED_ENGINE_PORT)));
  return manifestText({ engine, modelPath, port, gatewayPort, extraArgs: env['LLAMA_SERVER_ARGS'] ?? '' });
}

/** A token to enrol with; empty where the node of an earlier run is enrolled at this hub already. */
async function joinTokenFor(hubUrl: string, adminToken: string, stateDir: string): Promise<string> {
  if (await isEnrolledAt(hubUrl, stateDir)) return '';
  const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };
  // An earlier run may have known this hub under another address; its node would stand in the way.
  await fetch(new URL(`nodes/${NODE}`, `${hubUrl}/`), { method: 'DELETE', headers });
  const answer = await fetch(new URL('join-tokens', `${hubUrl}/`), { method: 'POST', headers, body: '{}' });
  if (!answer.ok) {
    throw new Error(
      `the hub gave no join token (${answer.status}); is ARW_ADMIN_TOKEN the token of this hub?`,
    );
  }
  return v.parse(JoinTokenResponseSchema, await answer.json()).join_token;
}

const KeptSchema = v.pipe(v.string(), v.parseJson(), v.object({ hub: v.string() }));

async function isEnrolledAt(hubUrl: string, stateDir: string): Promise<boolean> {
  let text: string;
  try {
    text = await readFile(join(stateDir, 'credentials.json'), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
  const kept = v.safeParse(KeptSchema, text);
  return kept.success && kept.output.hub === `${hubUrl}/`;
}

function program(folder: 'selfhost' | 'reporter'): string {
  return fileURLToPath(new URL(`../../${folder}/main.ts`, import.meta.url));
}
