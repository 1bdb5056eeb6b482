// Owns the check that a command comes from the hub that enrolled this node, whatever stood on the way.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { commandSigningText, type Command } from '../../contract/command.ts';

/** @param commandKey base64url, as the hub gave it at enrolment. */
export function isSigned(command: Command, node: string, commandKey: string): boolean {
  if (command.signature === undefined) return false;
  const expected = createHmac('sha256', Buffer.from(commandKey, 'base64url'))
    .update(commandSigningText(node, command))
    .digest();
  const given = Buffer.from(command.signature, 'base64url');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
