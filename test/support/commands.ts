// Owns commands and their cancellations as a hub sends them: signed for one node, in time, and changed as a test wants.

import { createHmac } from 'node:crypto';
import {
  cancelSigningText,
  commandSigningText,
  type Command,
  type CommandCancel,
} from '../../contract/command.ts';

/** What is changed is changed before the signature is made. */
export function signedCommand(node: string, commandKey: string, change: Partial<Command> = {}): Command {
  const nowMs = Date.now();
  const command: Command = {
    type: 'command',
    id: `${node}:command-1`,
    kind: 'restore',
    runtime: 'llama.70b',
    args: {},
    issued_at: new Date(nowMs).toISOString(),
    expires_at: new Date(nowMs + 600_000).toISOString(),
    attempt: 1,
    ...change,
  };
  return { ...command, signature: signatureOf(commandSigningText(node, command), commandKey) };
}

export function signedCancel(node: string, commandKey: string, id: string): CommandCancel {
  return { type: 'command.cancel', id, signature: signatureOf(cancelSigningText(node, id), commandKey) };
}

function signatureOf(text: string, commandKey: string): string {
  return createHmac('sha256', Buffer.from(commandKey, 'base64url')).update(text).digest('base64url');
}
