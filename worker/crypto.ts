// Owns secrets: how they are made, hashed, compared and used to sign. Nothing here keeps one but as a key that cannot
// be read, and the last one that others were compared with.

const SECRET_BYTES = 32;
const HMAC = { name: 'HMAC', hash: 'SHA-256' };

const encoder = new TextEncoder();
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** 256 random bits, base64url. */
export function makeSecret(): string {
  return base64Url(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
}

/** Hex. Secrets here are random and long, so a fast hash keeps them as safe as a slow one would. */
export async function sha256(text: string): Promise<string> {
  let hex = '';
  for (const byte of new Uint8Array(await digestOf(text))) hex += HEX[byte];
  return hex;
}

let lastSecret: { text: string; bytes: Uint8Array } | undefined;

/**
 * Compares in a time that tells nothing of the secret. Where the lengths differ, what was presented is compared with
 * itself, so that even the length is not told.
 */
export function isSameSecret(presented: string, secret: string): boolean {
  // Each request to a hub is compared with the same one.
  if (lastSecret?.text !== secret) lastSecret = { text: secret, bytes: encoder.encode(secret) };
  const { bytes } = lastSecret;
  const given = encoder.encode(presented);
  const isAsLong = given.byteLength === bytes.byteLength;
  return crypto.subtle.timingSafeEqual(given, isAsLong ? bytes : given) && isAsLong;
}

function digestOf(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest('SHA-256', encoder.encode(text));
}

/** HMAC-SHA-256, base64url. @param key as `makeSecret` made it: its bytes are the key, not its letters. */
export async function sign(key: string, text: string): Promise<string> {
  return signUnder(await importKey(key), text);
}

/** Keys that were read once, for as long as whose they are is remembered. */
const imported = new WeakMap<object, CryptoKey>();

/** As `sign`, for what is sent while somebody waits: the key is read once for the same credentials. */
export async function signFor(credentials: { commandKey: string }, text: string): Promise<string> {
  const key = imported.get(credentials) ?? (await importKey(credentials.commandKey));
  imported.set(credentials, key);
  return signUnder(key, text);
}

/** HMAC-SHA-256 as Standard Webhooks has it, base64. @param secret `whsec_` and the key's bytes in base64 */
export async function signWebhook(secret: string, text: string): Promise<string> {
  const key = await importKey(secret.slice('whsec_'.length));
  return base64(new Uint8Array(await crypto.subtle.sign('HMAC', key, encoder.encode(text))));
}

function importKey(key: string): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', fromBase64Url(key), HMAC, false, ['sign']);
}

async function signUnder(key: CryptoKey, text: string): Promise<string> {
  return base64Url(new Uint8Array(await crypto.subtle.sign('HMAC', key, encoder.encode(text))));
}

function fromBase64Url(text: string): Uint8Array {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

function base64Url(bytes: Uint8Array): string {
  return base64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
