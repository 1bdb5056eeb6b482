// Owns secrets: how they are made, hashed, compared and used to sign. Nothing here keeps one, but for the hash of the last one that was compared with.

const SECRET_BYTES = 32;

/** 256 random bits, base64url. */
export function makeSecret(): string {
  return base64Url(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
}

/** Hex. Secrets here are random and long, so a fast hash keeps them as safe as a slow one would. */
export async function sha256(text: string): Promise<string> {
  return Array.from(new Uint8Array(await digestOf(text)), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );
}

let lastSecret: { text: string; digest: ArrayBuffer } | undefined;

/** Compares in constant time; hashing first makes the lengths equal and hides the length of the secret. */
export async function isSameSecret(presented: string, secret: string): Promise<boolean> {
  // Each request to a hub is compared with the same one.
  if (lastSecret?.text !== secret) lastSecret = { text: secret, digest: await digestOf(secret) };
  const { digest } = lastSecret;
  return crypto.subtle.timingSafeEqual(await digestOf(presented), digest);
}

function digestOf(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
}

/** HMAC-SHA-256, base64url. @param key as `makeSecret` made it: its bytes are the key, not its letters. */
export async function sign(key: string, text: string): Promise<string> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const imported = await crypto.subtle.importKey('raw', fromBase64Url(key), algorithm, false, ['sign']);
  return base64Url(
    new Uint8Array(await crypto.subtle.sign('HMAC', imported, new TextEncoder().encode(text))),
  );
}

function fromBase64Url(text: string): Uint8Array {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function base64Url(bytes: Uint8Array): string {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
