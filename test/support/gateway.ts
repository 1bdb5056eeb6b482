// Owns a gateway under test and the engines behind it, each engine a process of its own. All are gone when the test is over.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { HttpTelemetry } from '../../contract/snapshot.ts';
import { Gateway, type GatewayOptions } from '../../reporter/gateway/gateway.ts';
import type { Routable } from '../../reporter/gateway/routable.ts';
import { eventually } from './eventually.ts';
import { RecordedLog } from './recorded-log.ts';
import { model, routable } from './routable.ts';

const ENGINE = fileURLToPath(new URL('../fixtures/programs/openai-engine.ts', import.meta.url));
const CHAT = '/v1/chat/completions';

export class Engine {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  port = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(): Promise<Engine> {
    const child = spawn(process.execPath, [ENGINE], { stdio: ['pipe', 'pipe', 'inherit'] });
    const engine = new Engine(child);
    createInterface({ input: child.stdout }).on('line', (line) => engine.lines.push(line));
    onTestFinished(() => engine.stop());
    engine.port = Number((await engine.says('listening')).split(' ')[1]);
    return engine;
  }

  /** As the gateway sees it, serving `m`. */
  runtime(id: string, more: Partial<Routable> = {}): Routable {
    const endpoint = { origin: `http://127.0.0.1:${this.port}`, headers: {} };
    return routable(id, { models: [model('m')], endpoint, ...more });
  }

  says(text: string): Promise<string> {
    return eventually(`the engine says "${text}"`, () => this.lines.find((line) => line.includes(text)));
  }

  /** What its answers to `told` say next. */
  tell(order: `say ${string}` | 'end' | 'break'): void {
    this.#child.stdin?.write(`${order}\n`);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

export type Answer = {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
  /** The answer ended as its framing says; false where the connection broke. */
  complete: boolean;
};

export class Door {
  readonly gateway: Gateway;
  readonly log = new RecordedLog();
  runtimes: Routable[];

  private constructor(runtimes: Routable[], options: Partial<GatewayOptions>) {
    this.runtimes = runtimes;
    this.gateway = Gateway.open({
      settings: { port: 0, apiKey: undefined },
      runtimes: () => this.runtimes,
      log: this.log,
      ...options,
    });
    onTestFinished(() => this.gateway.stop());
  }

  static async open(runtimes: Routable[], options: Partial<GatewayOptions> = {}): Promise<Door> {
    const door = new Door(runtimes, options);
    await eventually('the gateway listens', () => door.gateway.url);
    return door;
  }

  get port(): number {
    return Number(new URL(this.gateway.url ?? 'http://none:0').port);
  }

  /** Waits until so many requests are over and counted. */
  async counted(hits: number): Promise<HttpTelemetry> {
    return eventually(`${hits} requests are counted`, () => {
      const block = this.gateway.telemetry();
      return block.hits === hits && block;
    });
  }

  /** Resolves with the whole answer, or with what came of it. */
  async ask(
    body: object | string | Buffer,
    {
      path = CHAT,
      method = 'POST',
      headers = {},
    }: { path?: string; method?: string; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const answer = await this.begin(body, { path, method, headers });
    let text = '';
    answer.setEncoding('utf8').on('data', (part: string) => (text += part));
    answer.on('error', () => undefined);
    await new Promise((resolve) => answer.on('close', resolve));
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: text, complete: answer.complete };
  }

  /** Resolves with the head of the answer. */
  begin(
    body: object | string | Buffer,
    {
      path = CHAT,
      method = 'POST',
      headers = {},
    }: { path?: string; method?: string; headers?: Record<string, string> } = {},
  ): Promise<IncomingMessage> {
    const bytes = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port: this.port, path, method, headers, agent: false },
        resolve,
      );
      sent.on('error', reject);
      sent.end(bytes);
    });
  }

  /** Bytes as they are, and what came back until the connection ended; `reset` where it did not end in order. */
  async raw(text: string): Promise<{ text: string; reset: boolean }> {
    const socket = connect(this.port, '127.0.0.1');
    let received = '';
    let reset = false;
    socket.on('error', () => (reset = true));
    socket.setEncoding('utf8').on('data', (part: string) => (received += part));
    socket.write(text);
    await new Promise((resolve) => socket.on('close', resolve));
    return { text: received, reset };
  }
}
