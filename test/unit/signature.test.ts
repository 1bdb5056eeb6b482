// Whether a command comes from the hub that enrolled this node. The golden signature was computed again in Python.

import { expect, test } from 'vitest';
import * as v from 'valibot';
import { CommandSchema } from '../../contract/command.ts';
import { isSigned } from '../../reporter/uplink/signature.ts';
import { signedCommand } from '../support/commands.ts';
import { golden } from '../support/golden.ts';

const Golden = v.object({ node: v.string(), command_key: v.string(), command: CommandSchema });
const { node, command_key: key, command } = v.parse(Golden, golden('signed-command'));

test('the golden command is signed', () => {
  expect(isSigned(command, node, key)).toBe(true);
});

test('so is any that this key signed, and again at a later attempt', () => {
  const signed = signedCommand('n', key, { args: { restart: true, preset: 'ä"\\' } });
  expect(isSigned(signed, 'n', key)).toBe(true);
  expect(isSigned({ ...signed, attempt: 9 }, 'n', key)).toBe(true);
});

test.each([
  { id: 'gpu-01:other' },
  { kind: 'shutdown' },
  { runtime: 'llama.8b' },
  { args: { force: true } },
  { expires_at: '2099-01-01T00:00:00.000Z' },
  { signature: '' },
  { signature: 'AAAA' },
  { signature: `${command.signature}A` },
  { signature: 'not base64url!' },
])('a command changed by %j is not', (change) => {
  expect(isSigned({ ...command, ...change }, node, key)).toBe(false);
});

test('nor one without a signature, for another node, or with another key', () => {
  const { signature: _signature, ...unsigned } = command;
  expect(isSigned(unsigned, node, key)).toBe(false);
  expect(isSigned(command, 'gpu-02', key)).toBe(false);
  expect(isSigned(command, node, Buffer.alloc(32).toString('base64url'))).toBe(false);
});
