// What operators ask of a runtime, through a whole reporter with the stub engine: acts that wait, and acts that outlive
// the reporter.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { parse } from 'smol-toml';
import { expect, test } from 'vitest';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import { signedCommand } from '../support/commands.ts';
import { eventually } from '../support/eventually.ts';
import { COMMAND_KEY, FakeHub } from '../support/fake-hub.ts';
import { Host, NODE } from '../support/reporter-host.ts';

class Scene {
  readonly hub: FakeHub;
  readonly host: Host;
  #reporter: ReturnType<Host['start']> | undefined;
  #commands = 0;

  private constructor(hub: FakeHub, host: Host) {
    this.hub = hub;
    this.host = host;
  }

  static ready(...stubFlags: string[]): Promise<Scene> {
    return Scene.on((host) => host.superviseStub(...stubFlags));
  }

  static async on(prepare: (host: Host) => Promise<void>): Promise<Scene> {
    const hub = await FakeHub.start();
    hub.intervalMs = 300;
    const host = await Host.prepare();
    await prepare(host);
    const scene = new Scene(hub, host);
    await scene.#startReporter();
    await scene.where(({ status }) => status.state === 'ready', 'ready');
    return scene;
  }

  /** Sends one command and resolves with how it ended. */
  async act(kind: string, args: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    return this.endOf(this.send(kind, args));
  }

  send(kind: string, args: Record<string, unknown> = {}): string {
    this.#commands += 1;
    const id = `${NODE}:command-${this.#commands}`;
    this.hub.send(signedCommand(NODE, COMMAND_KEY, { id, kind, args, runtime: 'llama' }));
    return id;
  }

  async endOf(id: string): Promise<Record<string, unknown>> {
    return eventually(`the end of ${id}`, () => {
      const done = this.hub.frames.find((frame) => frame.type === 'command.done' && frame.id === id);
      if (done?.type !== 'command.done') return undefined;
      return done.ok ? { ok: true, ...done.result } : { ok: false, ...done.error };
    });
  }

  /** The runtime in the newest snapshot, once it is as wanted. */
  where(isWanted: (record: RuntimeRecord) => boolean, what: string): Promise<RuntimeRecord> {
    return eventually(`the runtime is ${what}`, () => {
      const [record] = this.hub.snapshots.at(-1)?.snapshot.runtimes ?? [];
      return record !== undefined && isWanted(record) ? record : undefined;
    });
  }

  /** Another reporter on the same state directory, once it told of itself. */
  async restartReporter(): Promise<void> {
    await this.#reporter?.program.stop();
    this.hub.snapshots.length = 0;
    await this.#startReporter();
  }

  async #startReporter(): Promise<void> {
    this.#reporter = this.host.start(this.hub.url);
    await this.#reporter.program.ready;
  }

  /** A chat through the gateway of which the last byte is not sent yet. */
  async beginChat(body: object): Promise<ClientRequest> {
    const said = await this.#reporter?.says('gateway: http');
    const url = new URL('/v1/chat/completions', /gateway: (\S+)\/v1 /.exec(said ?? '')?.[1]);
    const text = JSON.stringify(body);
    const chat = request(url, { method: 'POST', headers: { 'content-length': text.length }, agent: false });
    // Where a test fails before its answer, that is told alone; whoever waits for the answer is told of an error.
    chat.on('error', () => undefined);
    chat.write(text.slice(0, -1));
    return chat;
  }

  async url(path: string): Promise<string> {
    const manifest: unknown = parse(await readFile(this.host.manifest, 'utf8'));
    const port = /"--port","(\d+)"/.exec(JSON.stringify(manifest))?.[1];
    return `http://127.0.0.1:${port}${path}`;
  }
}

test('a drain waits for the stream that is under way, and then shuts down', async () => {
  const scene = await Scene.ready('--tokens-per-second', '20');
  const chat = new AbortController();
  const answer = await fetch(await scene.url('/v1/chat/completions'), {
    method: 'POST',
    body: JSON.stringify({
      stream: true,
      max_tokens: 100_000,
      ignore_eos: true,
      messages: [{ role: 'user', content: 'Hi' }],
    }),
    signal: chat.signal,
  });
  expect(answer.status).toBe(200);
  // oxlint-disable-next-line unicorn/no-thenable -- a word of the wire: a text, which nobody can call.
  const drain = scene.send('drain', { then: 'shutdown' });
  const draining = await scene.where(({ status }) => status.summary.startsWith('Draining (1 of'), 'draining');
  expect(draining.status).toMatchObject({ state: 'ready', draining: true });
  chat.abort();
  expect(await scene.endOf(drain)).toMatchObject({ ok: true, state: 'offline' });
  await scene.where(({ status }) => status.summary === 'Stopped', 'stopped');
  expect(await scene.host.children()).toEqual([]);
});

test('a drain waits for a request that the gateway took before, though no slot has it yet', async () => {
  const scene = await Scene.ready();
  const chat = await scene.beginChat({
    model: 'llama',
    max_tokens: 2,
    messages: [{ role: 'user', content: 'Hi' }],
  });
  await eventually('it is under way', () => scene.hub.snapshots.at(-1)?.snapshot.http?.inflight === 1);
  // oxlint-disable-next-line unicorn/no-thenable -- a word of the wire: a text, which nobody can call.
  const drain = scene.send('drain', { then: 'shutdown' });
  const words = 'Draining (0 of 4 slots busy, 1 under way through the gateway)';
  // What is under way is counted by each look at the runtime; the look before the drain may be older than the request.
  await scene.where(({ status }) => status.summary === words, words);
  chat.end('}');
  const [answer]: IncomingMessage[] = await once(chat, 'response');
  expect(answer?.statusCode).toBe(200);
  answer?.resume();
  expect(await scene.endOf(drain)).toMatchObject({ ok: true, state: 'offline' });
});

test('a server that tells nothing of its work is drained by what the gateway counts', async () => {
  const scene = await Scene.on((host) => host.superviseTacit({ enabled: true }));
  const chat = await scene.beginChat({ model: 'llama', do: 'silent' });
  chat.end('}');
  await eventually('it is under way', () => scene.hub.snapshots.at(-1)?.snapshot.http?.inflight === 1);
  const drain = scene.send('drain');
  const words = 'Draining (1 under way through the gateway)';
  await scene.where(({ status }) => status.summary === words, 'draining');
  chat.destroy();
  expect(await scene.endOf(drain)).toMatchObject({ ok: true, draining: true, counted_by: 'gateway' });
});

test('and without a gateway it is not drained: that would never end', async () => {
  const scene = await Scene.on((host) => host.superviseTacit({ enabled: false }));
  expect(await scene.act('drain')).toMatchObject({
    ok: false,
    reason: 'work-unknown',
    message: expect.stringContaining('use shutdown or restore, or open the gateway'),
  });
});

test('a shutdown outlives the reporter, until somebody asks for the runtime', async () => {
  const scene = await Scene.ready();
  expect(await scene.act('shutdown')).toMatchObject({ ok: true, state: 'offline' });
  await scene.restartReporter();
  const { status } = await scene.where(() => true, 'told');
  expect(status).toMatchObject({ state: 'offline', summary: 'Stopped' });
  expect(await scene.host.children()).toEqual([]);
  expect(await scene.act('start')).toMatchObject({ ok: true, state: 'ready' });
  await scene.restartReporter();
  await scene.where((record) => record.status.state === 'ready', 'ready');
});

test('a budget and a drain outlive the reporter too', async () => {
  const scene = await Scene.ready();
  const widened = { window_seconds: 60, max_restarts: 9, used: 0, remaining: 9 };
  expect(await scene.act('budget', { max_restarts: 9, window_seconds: 60 })).toEqual({
    ok: true,
    restart_budget: widened,
  });
  expect(await scene.act('drain')).toMatchObject({ ok: true, draining: true });
  await scene.restartReporter();
  const { status } = await scene.where((record) => record.status.state === 'ready', 'ready');
  expect(status).toMatchObject({ draining: true, restart_budget: widened });
  expect(await scene.act('undrain')).toEqual({ ok: true, draining: false });
  const record = await scene.where((now) => now.status.draining !== true, 'open');
  expect(record.status.summary).toBe('Ready');
});

test('a runtime of one model neither loads nor unloads, and says which does', async () => {
  const scene = await Scene.ready();
  expect(await scene.act('load', { model: 'other' })).toEqual({
    ok: false,
    reason: 'one-model',
    message: 'llama serves the model of its manifest; a router loads and unloads models',
  });
});

test('arguments that a kind does not take are named', async () => {
  const scene = await Scene.ready();
  expect(await scene.act('switch')).toMatchObject({ ok: false, message: 'must name a preset or a sandbox' });
  expect(await scene.act('budget', { max_restarts: -1 })).toMatchObject({
    ok: false,
    reason: 'bad-arguments',
    message: 'max_restarts: must be a whole number from 0 to 1000',
  });
  expect(await scene.act('switch', { preset: 'none-such' })).toMatchObject({ reason: 'unknown-preset' });
});
