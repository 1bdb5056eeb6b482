// Owns asking the reporter that runs on this host for its status.

import { stat } from 'node:fs/promises';
import { request } from 'node:http';
import * as v from 'valibot';
import { codeOf, messageOf } from '../errors.ts';
import { LocalStatusSchema, type LocalStatus } from './local-status.ts';

const WITHIN_MS = 5_000;

export type LocalAnswer =
  | { kind: 'status'; status: LocalStatus }
  | { kind: 'none' }
  /** There is one, and it does not answer us. */
  | { kind: 'fault'; message: string };

export async function askReporter(path: string): Promise<LocalAnswer> {
  try {
    // In a folder that all may write, somebody else could answer in its place.
    const { uid } = await stat(path);
    if (process.getuid !== undefined && process.getuid() !== 0 && uid !== process.getuid()) {
      return { kind: 'fault', message: `the reporter at ${path} is another user's; ask as that user` };
    }
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), LocalStatusSchema), await get(path));
    if (parsed.success) return { kind: 'status', status: parsed.output };
    return { kind: 'fault', message: `the reporter at ${path} is of another version; start it anew` };
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return { kind: 'none' };
    if (code === 'EACCES') {
      return { kind: 'fault', message: `${path} is another user's; ask as that user, or as root` };
    }
    return { kind: 'fault', message: `the reporter at ${path} does not answer: ${messageOf(error)}` };
  }
}

function get(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(WITHIN_MS);
    const asking = request({ socketPath, path: '/status', signal }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    asking.on('error', (error) => {
      reject(signal.aborted ? new Error(`no answer within ${WITHIN_MS / 1000} s`) : error);
    });
    asking.end();
  });
}
