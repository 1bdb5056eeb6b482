// Owns reading the start of a request's body: as far as needed to know the model it names, and no further.

import type { IncomingMessage } from 'node:http';
import type { HeldShare } from './held-bytes.ts';
import { JsonModelFinder } from './json-model.ts';
import type { Finding } from './model-finder.ts';
import { MultipartModelFinder } from './multipart-model.ts';

/** Several pictures in a prompt, or an hour of compressed speech. It bounds what one request can make us keep. */
export const BODY_MAX_BYTES = 64 * 1024 * 1024;

export type BodyStart = {
  kind: 'start';
  bytes: Buffer;
  /** Nothing follows. */
  ended: boolean;
  finding: Finding;
};

export type NoStart =
  | { kind: 'too-large' }
  /** Other requests hold what there is. */
  | { kind: 'no-room' }
  /** The client went away before the body told its model. */
  | { kind: 'gone' };

/**
 * Leaves the request paused.
 * @param held what is kept of it is taken from there; whoever asked gives it back when the request is over.
 * @param onWanted called before anything is read of a body that may come.
 */
export function readBodyStart(
  request: IncomingMessage,
  held: HeldShare,
  onWanted: () => void,
): Promise<BodyStart | NoStart> {
  const announcedBytes = Number(request.headers['content-length'] ?? NaN);
  if (announcedBytes > BODY_MAX_BYTES) return Promise.resolve({ kind: 'too-large' });
  onWanted();
  const finder = isForm(request) ? new MultipartModelFinder() : new JsonModelFinder();
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  return new Promise((resolve) => {
    const settle = (outcome: BodyStart | NoStart): void => {
      request.off('data', onData).off('end', onEnd).off('close', onClose);
      request.pause();
      resolve(outcome);
    };
    const start = (ended: boolean, finding: Finding): void => {
      const [only] = chunks;
      const bytes = chunks.length === 1 && only ? only : Buffer.concat(chunks);
      settle({ kind: 'start', bytes, ended, finding });
    };
    const onData = (chunk: Buffer): void => {
      sizeBytes += chunk.length;
      if (sizeBytes > BODY_MAX_BYTES) return settle({ kind: 'too-large' });
      if (!held.take(chunk.length)) return settle({ kind: 'no-room' });
      chunks.push(chunk);
      const finding = finder.push(chunk);
      // Known before `end` is told: a body in one piece goes on in one piece.
      if (finding.kind !== 'more') start(request.complete || sizeBytes === announcedBytes, finding);
    };
    const onEnd = (): void => start(true, { kind: 'none' });
    const onClose = (): void => settle({ kind: 'gone' });
    request.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}

export function isForm({ headers }: IncomingMessage): boolean {
  return /^multipart\/form-data\b/i.test(headers['content-type'] ?? '');
}

/** The same body with another model named in it. */
export function withModel({ bytes, finding }: BodyStart, model: string): Buffer {
  if (finding.kind !== 'found' || finding.start === undefined || finding.end === undefined) return bytes;
  return Buffer.concat([
    bytes.subarray(0, finding.start),
    Buffer.from(JSON.stringify(model)),
    bytes.subarray(finding.end),
  ]);
}
