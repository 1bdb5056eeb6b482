// Owns `arw-hub` as a process under test: started as users start it, with what it prints, gone when the test is over.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { onTestFinished } from 'vitest';
import { JobSchema, type Job } from '../../contract/command.ts';
import { EnrollResponseSchema, JoinTokenResponseSchema } from '../../contract/node-api.ts';
import { MatrixSchema, type Matrix } from '../../contract/read-models.ts';
import { Program } from '../../scripts/fleet/program.ts';
import { eventually } from './eventually.ts';
import { processesWith } from './processes.ts';

const MAIN = fileURLToPath(new URL('../../selfhost/main.ts', import.meta.url));

/** No settings of the one who runs the tests. */
const { ARW_ADMIN_TOKEN: _token, ...ENV } = process.env;

export class ServedHub {
  readonly program: Program;
  readonly lines: string[] = [];
  readonly errors: string[] = [];
  url = '';

  private constructor(data: string, args: readonly string[], env: Record<string, string>) {
    this.program = new Program({
      name: 'the hub under test',
      args: [MAIN, '--port', '0', '--data', data, ...args],
      env: { ...ENV, ...env },
      readyLine: /^hub ready (http:\S+)$/,
      onLine: (line) => void this.lines.push(line),
      onErrorLine: (line) => void this.errors.push(line),
    });
    onTestFinished(async () => {
      await this.program.stop();
    });
  }

  /** On its way: it may not answer yet. */
  static starting(data: string, args: string[] = [], env: Record<string, string> = {}): ServedHub {
    return new ServedHub(data, args, env);
  }

  static async ready(
    data: string,
    args: string[] = [],
    env: Record<string, string> = {},
  ): Promise<ServedHub> {
    const served = new ServedHub(data, args, env);
    const [, url = ''] = await served.program.ready;
    served.url = url;
    return served;
  }

  get token(): string {
    const made = this.lines.map((line) => /^ARW_ADMIN_TOKEN=(\S+)$/.exec(line)?.[1]).find(Boolean);
    if (made === undefined) throw new Error(`no token was printed: ${this.lines.join('\n')}`);
    return made;
  }

  async ask(
    method: string,
    path: string,
    { token = this.token, body }: { token?: string; body?: object } = {},
  ): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  async joinToken(): Promise<string> {
    const made = await this.ask('POST', '/join-tokens', { body: {} });
    return v.parse(JoinTokenResponseSchema, await made.json()).join_token;
  }

  /** The token of the new node. */
  async enrol(node: string): Promise<string> {
    const join_token = await this.joinToken();
    const enrolled = await this.ask('POST', '/nodes/enroll', { body: { join_token, node } });
    return v.parse(EnrollResponseSchema, await enrolled.json()).token;
  }

  async matrix(): Promise<Matrix> {
    return v.parse(MatrixSchema, await (await this.ask('GET', '/state/runtime_matrix')).json());
  }

  async job(id: string): Promise<Job> {
    return v.parse(JobSchema, await (await this.ask('GET', `/orchestrator/jobs/${id}`)).json());
  }
}

/** How a start that is to fail ended, and what it printed. @throws where the hub serves. */
export async function refused(
  data: string,
  args: string[] = [],
  env: Record<string, string> = {},
): Promise<{ exitCode: number; lines: string[]; errors: string[] }> {
  const starting = ServedHub.starting(data, args, env);
  const isServing = await starting.program.ready.then(
    () => true,
    () => false,
  );
  if (isServing) throw new Error(`it serves: ${starting.lines.join('\n')}`);
  const { exitCode } = await starting.program.ended;
  return { exitCode, lines: starting.lines, errors: starting.errors };
}

/** Waits until nothing runs any more that has the folder in its command line. */
export async function nobodyWith(data: string): Promise<void> {
  await eventually(`no process of ${data} is left`, async () => (await processesWith(data)).length === 0);
}

/** The process that serves, as its hub has noted it. */
export async function workerdOf(data: string): Promise<number> {
  const text = await readFile(join(data, 'workerd.json'), 'utf8');
  return v.parse(v.object({ pid: v.number() }), JSON.parse(text)).pid;
}
