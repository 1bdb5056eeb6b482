// Owns `arw-cli chat`: one question, from the command line or from a pipe, or a conversation on a terminal.

import { exchange, nameOf, type Answer } from '../chat/exchange.ts';
import { converse } from '../chat/conversation.ts';
import { CliError, EXIT } from '../errors.ts';
import type { Hub } from '../hub-client.ts';
import { printJson, progress, withoutControl } from '../output.ts';
import { Waiting } from '../terminal/waiting.ts';

export type ChatOptions = {
  model?: string;
  node?: string;
  system?: string;
  temperature?: number;
  maxTokens?: number;
  json?: boolean;
};

export type Message = { role: 'system' | 'user' | 'assistant'; content: string };

/** @param words of the prompt; `-` stands for what is piped in. */
export async function chat(hub: Hub, words: readonly string[], options: ChatOptions): Promise<void> {
  if (words.length === 0 && process.stdin.isTTY) {
    if (options.json === true)
      throw new CliError(EXIT.usage, 'a conversation has no JSON; give a prompt with --json');
    return converse((messages, signal) => answered(hub, messages, options, signal), opening(options));
  }
  const prompt = await promptOf(words);
  const left = new AbortController();
  process.once('SIGINT', () => left.abort());
  const answer = await answered(
    hub,
    [...opening(options), { role: 'user', content: prompt }],
    options,
    left.signal,
  );
  if (answer === undefined) {
    throw new CliError(EXIT.interrupted, 'interrupted: the engine was told to stop');
  }
  if (options.json === true) printJson(documentOf(answer));
}

async function promptOf(words: readonly string[]): Promise<string> {
  const piped = words.length === 0 || words.includes('-') ? await readAll(process.stdin) : '';
  const prompt = words.length === 0 ? piped : words.map((word) => (word === '-' ? piped : word)).join(' ');
  if (prompt.trim() !== '') return prompt;
  throw new CliError(EXIT.usage, 'there is nothing to ask; give a prompt, or pipe one in');
}

async function readAll(input: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  input.setEncoding('utf8');
  for await (const chunk of input) text += String(chunk);
  return text;
}

function opening({ system }: ChatOptions): Message[] {
  return system === undefined ? [] : [{ role: 'system', content: system }];
}

/** Shows the answer as it comes. Undefined where it was interrupted. */
async function answered(
  hub: Hub,
  messages: Message[],
  { model, node, temperature, maxTokens, json = false }: ChatOptions,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  const input = {
    messages,
    ...(model !== undefined && { model }),
    ...(node !== undefined && { node }),
    ...(temperature !== undefined && { temperature }),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
  };
  const startedMs = performance.now();
  const waiting = new Waiting(`asking ${hub.url.host}`);
  let by = '';
  let last = '\n';
  try {
    const answer = await exchange(
      hub,
      input,
      {
        onTaken: (taken) => {
          by = nameOf(taken);
          waiting.say(`${by} reads the prompt`);
        },
        onThought: () => waiting.say(`${by} thinks`),
        onText: (text) => {
          if (json) return;
          waiting.stop();
          last = text.at(-1) ?? last;
          process.stdout.write(withoutControl(text));
        },
      },
      signal,
    );
    waiting.stop();
    if (last !== '\n') process.stdout.write('\n');
    last = '\n';
    if (answer !== undefined && !json && process.stderr.isTTY)
      progress(footer(answer, performance.now() - startedMs));
    return answer;
  } finally {
    waiting.stop();
    if (last !== '\n') process.stdout.write('\n');
  }
}

/** A reply that met its limit looks like a whole one. */
function footer(answer: Answer, tookMs: number): string {
  const cut = answer.finish_reason === 'length' ? ', cut at its limit of tokens' : '';
  // Some engines tell the path of the file in place of a name.
  const model = answer.model === undefined || answer.model.startsWith('/') ? '' : `, ${answer.model}`;
  return `(${nameOf(answer)}${model}, ${(tookMs / 1000).toFixed(1)} s${cut})`;
}

function documentOf({ action, node, runtime, model, finish_reason, content }: Answer): object {
  return {
    action_id: action,
    node,
    runtime,
    ...(model !== undefined && { model }),
    ...(finish_reason !== undefined && { finish_reason }),
    reply: { role: 'assistant', content },
  };
}
