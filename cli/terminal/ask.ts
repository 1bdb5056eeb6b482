// Owns questions to a person: a word that is not shown while it is typed, or the first line of what is piped in.

import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { progress } from '../output.ts';

/** Undefined where the input ends without a word. */
export async function askSecret(question: string): Promise<string | undefined> {
  const { stdin } = process;
  if (!stdin.isTTY) return firstLine(stdin);
  process.stderr.write(question);
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: unseen, terminal: true });
  try {
    const ended = new Promise<undefined>((resolve) => {
      lines.once('close', () => resolve(undefined));
    });
    const answer = await Promise.race([lines.question(''), ended]);
    return answer === undefined || answer.trim() === '' ? undefined : answer.trim();
  } finally {
    lines.close();
    progress('');
  }
}

async function firstLine(input: NodeJS.ReadableStream): Promise<string | undefined> {
  let text = '';
  for await (const chunk of input) text += String(chunk);
  const [line = ''] = text.split('\n');
  return line.trim() === '' ? undefined : line.trim();
}
