// arw-cli chat as a process against a real hub: an answer as it comes, from wherever the prompt is, and how it is ended.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_TOKEN, Hub } from '../support/hub.ts';
import { CliProcess, cliEnvironment } from '../support/cli-process.ts';
import { actionOver, RelayNode } from '../support/relay-node.ts';
import { runtimeRecord } from '../support/snapshot.ts';

let hub: Hub;
let count = 0;

beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(async () => hub.stop());

/** A node of its own for a test, with a model that no other has. */
async function linked(): Promise<{ at: RelayNode; model: string }> {
  count += 1;
  const model = `model-${count}`;
  return { at: await RelayNode.linked(hub, `gpu-${count}`, { runtimes: [runtimeRecord({ model })] }), model };
}

function environment(): NodeJS.ProcessEnv {
  return cliEnvironment({ ARW_HUB_URL: hub.url.href, ARW_ADMIN_TOKEN: ADMIN_TOKEN });
}

function chat(...args: string[]): CliProcess {
  return CliProcess.piped(['chat', ...args], environment());
}

function delta(content: string, more: object = {}): string {
  return `data: ${JSON.stringify({ model: 'tiny.gguf', choices: [{ delta: { content }, ...more }] })}\n\n`;
}

test('an answer is printed as it comes, and nothing else is', async () => {
  const { at, model } = await linked();
  const cli = chat(
    'Say',
    'hello',
    '--model',
    model,
    '--system',
    'Be short',
    '--max-tokens',
    '9',
    '--temperature',
    '0.5',
  );
  const open = await at.asked();
  const { text } = await at.body(open);
  expect(JSON.parse(text)).toMatchObject({
    messages: [
      { role: 'system', content: 'Be short' },
      { role: 'user', content: 'Say hello' },
    ],
    max_tokens: 9,
    temperature: 0.5,
    stream: true,
  });
  at.head(open, 'text/event-stream');
  at.chunk(open, delta('Hel'));
  await cli.prints('Hel');
  at.chunk(open, delta('lo\u001B[2J.'));
  at.chunk(open, 'data: [DONE]\n\n');
  at.end(open);
  expect(await cli.ended).toBe(0);
  expect(cli.stdout).toBe('Hello\uFFFD[2J.\n');
  expect(cli.stderr).toBe('');
});

test('a prompt may be piped in, alone or in its place, and --json prints the whole answer', async () => {
  const { at, model } = await linked();
  const cli = chat('Sum up:', '-', '--json', '--model', model);
  cli.process.stdin.end('a long text');
  const open = await at.asked();
  expect(JSON.parse((await at.body(open)).text)).toMatchObject({
    messages: [{ role: 'user', content: 'Sum up: a long text' }],
  });
  at.head(open, 'text/event-stream');
  at.chunk(open, delta('Short', { finish_reason: 'stop' }));
  at.chunk(open, 'data: [DONE]\n\n');
  at.end(open);
  expect(await cli.ended).toBe(0);
  expect(JSON.parse(cli.stdout)).toEqual({
    action_id: open.id,
    node: at.node,
    runtime: 'llama.70b',
    model: 'tiny.gguf',
    finish_reason: 'stop',
    reply: { role: 'assistant', content: 'Short' },
  });

  const piped = chat('--node', at.node);
  piped.process.stdin.end('only piped\n');
  const next = await at.asked();
  expect(JSON.parse((await at.body(next)).text)).toMatchObject({
    messages: [{ role: 'user', content: 'only piped\n' }],
  });
});

test('Ctrl-C cancels the action in the engine, exit code 130', async () => {
  const { at, model } = await linked();
  const cli = chat('Count to a million', '--model', model);
  const open = await at.asked();
  await at.body(open);
  at.head(open, 'text/event-stream');
  at.chunk(open, delta('1, 2, '));
  await cli.prints('1, 2, ');
  cli.signal('SIGINT');
  expect(await at.client.next('relay.cancel')).toMatchObject({ stream: open.stream });
  expect(await cli.ended).toBe(130);
  expect(cli.stdout).toBe('1, 2, \n');
  expect(cli.stderr).toBe('arw-cli: interrupted: the engine was told to stop\n');
  expect(await actionOver(hub, open.id)).toMatchObject({ state: 'failed', error: { reason: 'cancelled' } });
});

test('what the engine says of its failure is told, and so is an answer that breaks off', async () => {
  const { at, model } = await linked();
  const failing = chat('Hi', '--model', model);
  const open = await at.asked();
  at.head(open, 'text/event-stream');
  at.chunk(open, delta('Half'));
  at.client.send({
    type: 'relay.end',
    stream: open.stream,
    ok: false,
    error: { reason: 'runtime-failed', message: 'The engine ended' },
  });
  expect(await failing.ended).toBe(1);
  expect(failing.stdout).toBe('Half\n');
  expect(failing.stderr).toBe(`arw-cli: ${at.node}/llama.70b failed: The engine ended\n`);

  const short = chat('Hi', '--model', model);
  const next = await at.asked();
  at.head(next, 'text/event-stream');
  at.chunk(next, delta('Half'));
  at.end(next);
  expect(await short.ended).toBe(3);
  expect(short.stderr).toMatch(/broke off; ask again\n$/);
});

test.each<[string[], number, RegExp]>([
  [['Hi', '--model', 'modle-1'], 1, /model is not known.*model-1/],
  [['Hi', '--node', 'nobody'], 1, /nobody/],
  [['Hi', '--temperature', '-1'], 2, /must be a number from 0/],
  [[' '], 2, /nothing to ask/],
])('%j is one sentence with its exit code', async (args, exitCode, words) => {
  const cli = chat(...args);
  cli.process.stdin.end();
  expect(await cli.ended).toBe(exitCode);
  expect(cli.stdout).toBe('');
  expect(cli.stderr).toMatch(words);
  expect(cli.stderr.trimEnd().split('\n')).toHaveLength(1);
});

test('on a terminal it is a conversation: each question with what was said, Ctrl-C ends an answer, Ctrl-D all', async () => {
  const { at, model } = await linked();
  const cli = CliProcess.onTerminal(['chat', '--model', model], environment());
  await cli.prints('Ctrl-C ends an answer, Ctrl-D the conversation');
  await cli.prints('> ');
  cli.type('My name is Ada\r');
  const first = await at.asked();
  at.head(first, 'text/event-stream');
  at.chunk(first, delta('Hello Ada'));
  at.chunk(first, 'data: [DONE]\n\n');
  at.end(first);
  await cli.prints('Hello Ada');
  await cli.prints(`(${at.node}/llama.70b, tiny.gguf, `);

  cli.type('Write a book\r');
  const second = await at.asked();
  expect(JSON.parse((await at.body(second)).text)).toMatchObject({
    messages: [
      { role: 'user', content: 'My name is Ada' },
      { role: 'assistant', content: 'Hello Ada' },
      { role: 'user', content: 'Write a book' },
    ],
  });
  at.head(second, 'text/event-stream');
  at.chunk(second, delta('Chapter one'));
  await cli.prints('Chapter one');
  cli.type('\u0003');
  expect(await at.client.next('relay.cancel')).toMatchObject({ stream: second.stream });
  await cli.prints('(interrupted: the engine was told to stop)');
  cli.type('\u0004');
  expect(await cli.ended).toBe(0);
});
