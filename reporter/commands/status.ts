// Owns `arw-reporter status`: what runs on this host, asked of the reporter itself, whether the hub is there or not.

import { readPlace, type Flags } from '../config.ts';
import { EXIT } from '../exit-codes.ts';
import { askReporter, type LocalAnswer } from '../local/ask.ts';
import { renderLocalStatus } from '../local/render.ts';
import { socketPlace } from '../local/socket-path.ts';

/** Returns the exit code. @throws ConfigError */
export async function statusCommand(flags: Flags & { json?: boolean }): Promise<number> {
  const { stateDir } = readPlace(flags, process.env);
  const answer = await ask(stateDir);
  switch (answer.kind) {
    case 'status': {
      const columns = process.stdout.isTTY ? process.stdout.columns : undefined;
      process.stdout.write(
        flags.json === true
          ? `${JSON.stringify(answer.status, null, 2)}\n`
          : renderLocalStatus(answer.status, Date.now(), columns),
      );
      return EXIT.ok;
    }
    case 'none':
      return refuse(
        `no reporter runs on ${stateDir}; start it with "arw-reporter run", or name another --state-dir`,
      );
    case 'fault':
      return refuse(answer.message);
    default:
      return answer satisfies never;
  }
}

/** A service has no XDG_RUNTIME_DIR, and its socket is elsewhere where its state directory's path is too long. */
async function ask(stateDir: string): Promise<LocalAnswer> {
  const answer = await askReporter(socketPlace(stateDir, process.env['XDG_RUNTIME_DIR']).path);
  return answer.kind === 'none' ? askReporter(socketPlace(stateDir, undefined).path) : answer;
}

function refuse(message: string): number {
  process.stderr.write(`arw-reporter: ${message}\n`);
  return EXIT.failed;
}
