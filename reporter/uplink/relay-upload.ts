// Owns one upload: a request to the hub whose body is a part of a relayed answer. It costs the hub no message for each
// token; what it needs of the way there is that a body passes as it comes.

import { request as requestPlain, type ClientRequest } from 'node:http';
import { request as requestTls } from 'node:https';

export type UploadTarget = { hub: URL; node: string; token: string };

export type UploadEars = {
  /** The hub takes more, after a `write` that was false. */
  onRoom: () => void;
  /** Once: the request is over, and nobody ended it here. */
  onBroken: () => void;
};

export type Upload = {
  /** False where the source should pause until `onRoom`. */
  write(bytes: Uint8Array): boolean;
  /** `onRead` is called once the hub has passed all of it on; never where the way there broke meanwhile. */
  end(onRead: () => void): void;
  /** At once, and without a word to anybody. */
  drop(): void;
};

export type OpenUpload = (stream: number, ears: UploadEars) => Upload;

/** Each upload has a connection of its own: it is as long as an answer. */
export function uploadsTo({ hub, node, token }: UploadTarget): OpenUpload {
  const start = hub.protocol === 'https:' ? requestTls : requestPlain;
  return (stream, { onRoom, onBroken }) => {
    let onOver = onBroken;
    const over = (): void => {
      const tell = onOver;
      onOver = nothing;
      tell();
    };
    const request: ClientRequest = start(new URL(`nodes/${node}/relays/${stream}`, hub), {
      method: 'POST',
      agent: false,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
    });
    request.on('drain', onRoom);
    request.on('response', (answer) => {
      answer.resume();
      over();
    });
    // Each error is followed by it.
    request.on('error', () => undefined);
    request.on('close', over);
    request.flushHeaders();
    return {
      write: (bytes) => request.write(bytes),
      end: (onRead) => {
        onOver = nothing;
        request.once('response', onRead);
        request.end();
      },
      drop: () => {
        onOver = nothing;
        request.destroy();
      },
    };
  };
}

function nothing(): void {
  // It was ended here.
}
