// Owns the check that a command, or its cancellation, comes from the hub that enrolled this node, whatever stood on the way.

import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';
import {
  cancelSigningText,
  commandSigningText,
  type Command,
  type CommandCancel,
} from '../../contract/command.ts';
import { relaySigningText, type RelayOpen } from '../../contract/relay.ts';

/** @param commandKey base64url, as the hub gave it at enrolment. */
export function isSigned(command: Command, node: string, commandKey: string): boolean {
  return isSignatureOf(commandSigningText(node, command), command.signature, commandKey);
}

/** The same for the wish that a command may not begin. */
export function isCancelSigned(cancel: CommandCancel, node: string, commandKey: string): boolean {
  return isSignatureOf(cancelSigningText(node, cancel.id), cancel.signature, commandKey);
}

/** @param commandKey the same: the texts differ, so that no opening passes for a command. */
export function isOpeningSigned(open: RelayOpen, node: string, commandKey: string): boolean {
  return isSignatureOf(relaySigningText(node, open), open.signature, commandKey);
}

function isSignatureOf(text: string, signature: string | undefined, commandKey: string): boolean {
  if (signature === undefined) return false;
  const expected = createHmac('sha256', keyOf(commandKey)).update(text).digest();
  const given = Buffer.from(signature, 'base64url');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** A host has one key, and reading it takes as long as signing with it. */
let lastKey: { text: string; key: KeyObject } | undefined;

function keyOf(commandKey: string): KeyObject {
  if (lastKey?.text !== commandKey) {
    lastKey = { text: commandKey, key: createSecretKey(Buffer.from(commandKey, 'base64url')) };
  }
  return lastKey.key;
}
