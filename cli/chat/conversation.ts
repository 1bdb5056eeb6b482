// Owns a conversation on a terminal: questions in turn, each answered with all that was said before. Ctrl-C ends an answer,
// and between answers the conversation.

import { createInterface } from 'node:readline/promises';
import type { Message } from '../commands/chat.ts';
import { CliError } from '../errors.ts';
import { progress } from '../output.ts';
import type { Answer } from './exchange.ts';

type Answering = (messages: Message[], signal: AbortSignal) => Promise<Answer | undefined>;

const HELP = 'Ctrl-C ends an answer, Ctrl-D the conversation; /new forgets what was said.';

export async function converse(answer: Answering, opening: readonly Message[]): Promise<void> {
  progress(HELP);
  // On stderr, so that what is kept of stdout is answers.
  const lines = createInterface({
    input: process.stdin,
    output: process.stderr,
    terminal: true,
    prompt: '> ',
  });
  let messages: Message[] = [...opening];
  let answering: AbortController | undefined;
  lines.on('SIGINT', () => (answering === undefined ? lines.close() : answering.abort()));
  lines.prompt();
  for await (const line of lines) {
    const said = line.trim();
    if (said === '/new') messages = [...opening];
    else if (said !== '') {
      answering = new AbortController();
      messages = await next(answer, messages, said, answering.signal);
      answering = undefined;
    }
    lines.prompt();
  }
  progress('');
}

/** What was said then. A question without a whole answer is as if it had not been asked. */
async function next(
  answer: Answering,
  messages: Message[],
  said: string,
  signal: AbortSignal,
): Promise<Message[]> {
  const asked: Message[] = [...messages, { role: 'user', content: said }];
  try {
    const reply = await answer(asked, signal);
    if (reply !== undefined) return [...asked, { role: 'assistant', content: reply.content }];
    progress('(interrupted: the engine was told to stop)');
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    progress(`arw-cli: ${error.message}`);
  }
  return messages;
}
