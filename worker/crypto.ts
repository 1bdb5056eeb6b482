// Owns secrets: how they are made, hashed, compared and used to sign. Nothing here keeps one.

const SECRET_BYTES = 32;

const encoder = new TextEncoder();
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** 256 random bits, base64url. */
export function makeSecret(): string {
  return base64Url(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
}

/** Hex. Secrets here are random and long, so a fast hash keeps them as safe as a slow one would. */
export async function sha256(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(text)));
  let hex = '';
  for (const byte of digest) hex += HEX[byte];
  return hex;
}

/** Compares in constant time; hashing first makes the lengths equal and hides the length of the secret. */
export async function isSameSecret(presented: string, secret: string): Promise<boolean> {
  const [a, b] = await Promise.all(
    [presented, secret].map((text) => crypto.subtle.digest('SHA-256', encoder.encode(text))),
  );
  return a !== undefined && b !== undefined && crypto.subtle.timingSafeEqual(a, b);
}

/** HMAC-SHA-256, base64url. @param key as `makeSecret` made it: its bytes are the key, not its letters. */
export async function sign(key: string, text: string): Promise<string> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const imported = await crypto.subtle.importKey('raw', fromBase64Url(key), algorithm, false, ['sign']);
  return base64Url(new Uint8Array(await crypto.subtle.sign('HMAC', imported, encoder.encode(text))));
}

function fromBase64Url(text: string): Uint8Array {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function base64Url(bytes: Uint8Array): string {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
