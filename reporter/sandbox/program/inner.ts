// Owns the end inside the sandbox: it starts the server, fetches it the connections that wait outside, and ends it when
// it is told to or when nobody outside is left.

import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import { joinSockets } from './join-sockets.ts';
import { END, FETCH, INNER_FOLDER, SOCKET_NAME } from './plan.ts';

/** As a shell says that a program cannot be started. */
const EXIT_NOT_STARTED = 127;

export function runInner(host: string, port: number, command: string, args: readonly string[]): void {
  const server = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  server.once('error', (error) => {
    process.stderr.write(`${command} cannot be started in the sandbox: ${error.message}\n`);
    process.exit(EXIT_NOT_STARTED);
  });
  // An end by a signal is told as a shell tells it: bubblewrap passes on a number only.
  server.once('exit', (code, signal) => {
    process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
  });

  process.stdin.setEncoding('utf8').on('data', (words: string) => {
    for (const word of words) {
      if (word === FETCH) fetchConnection(host, port);
      if (word === END) server.kill('SIGTERM');
    }
  });
  // The outer end was killed.
  process.stdin.once('end', () => {
    server.kill('SIGKILL');
  });
}

function fetchConnection(host: string, port: number): void {
  const outside = connect({ path: join(INNER_FOLDER, SOCKET_NAME), allowHalfOpen: true });
  joinSockets(outside, connect({ host, port, allowHalfOpen: true, noDelay: true }));
}
