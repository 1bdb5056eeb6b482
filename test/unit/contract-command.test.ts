// What the signature of a command covers.

import { expect, test } from 'vitest';
import * as v from 'valibot';
import { CommandSchema, commandSigningText, type Command } from '../../contract/command.ts';
import { golden } from '../support/golden.ts';

const Golden = v.object({ node: v.string(), signing_text: v.string(), command: CommandSchema });
const { node, signing_text: signingText, command } = v.parse(Golden, golden('signed-command'));

test('the text is the golden one', () => {
  expect(commandSigningText(node, command)).toBe(signingText);
});

test('another attempt is the same command', () => {
  const again: Command = { ...command, attempt: 7 };
  expect(commandSigningText(node, again)).toBe(signingText);
});

test.each([
  { id: 'gpu-01:other' },
  { kind: 'shutdown' },
  { runtime: 'llama.8b' },
  { args: { restart: true, preset: 'short' } },
  { args: {} },
  { issued_at: '2026-11-22T12:34:56.790Z' },
  { expires_at: '2027-11-22T12:44:56.789Z' },
])('%j makes another text', (change) => {
  expect(commandSigningText(node, { ...command, ...change })).not.toBe(signingText);
});

test('for another node it is another text', () => {
  expect(commandSigningText('gpu-02', command)).not.toBe(signingText);
});
