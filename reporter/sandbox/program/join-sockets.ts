// Owns one relayed connection: what comes from one end goes to the other, its end and its loss included.

import type { Socket } from 'node:net';

/** Both sockets must allow a half-open connection: a client may end its request and still read the answer. */
export function joinSockets(a: Socket, b: Socket): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.once('close', () => to.destroySoon());
  }
}
