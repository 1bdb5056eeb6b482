// Owns `npm run runtime-smoke` and `npm run runtime-smoke-vision`: settings, the run, its end, the exit code.

import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { watchForEnd, Interrupted } from './ending.ts';
import { EXIT } from './exit-codes.ts';
import { Keeper } from './keeper-process.ts';
import { RunLogs } from './run-logs.ts';
import { readSmokeSettings, SettingsError, type SmokeSettings } from './settings.ts';
import { Steps } from './steps.ts';
import { runSuite } from './suite.ts';

// Who reads what we say may go away: no reason to leave anything behind.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

try {
  const settings = readSmokeSettings(process.argv[2] === 'vision' ? 'vision' : 'runtime', process.env);
  process.exitCode = await main(settings);
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  process.stderr.write(`smoke: ${error.message}\n`);
  process.exitCode = EXIT.settings;
}

async function main(settings: SmokeSettings): Promise<number> {
  const ending = watchForEnd(settings.timeoutSeconds);
  const program = settings.suite === 'vision' ? 'runtime-smoke-vision' : 'runtime-smoke';
  const run = randomBytes(4).toString('hex');
  const folder = settings.root === undefined ? ownFolder(settings, run) : resolve(settings.root);
  const steps = new Steps(say);
  const keeper = new Keeper(run);
  // Told before it is made: there is no moment in which nobody would remove it.
  if (settings.root === undefined) keeper.tell({ folder });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const logs = new RunLogs(folder);
  say(`${program}: run ${run} in ${folder}`);

  let failure: Error | undefined;
  try {
    const suite = runSuite({ settings, run, folder, keeper, logs, step: steps.step, ending });
    await Promise.race([suite, aborted(ending)]);
  } catch (error) {
    // What breaks while the run is being ended breaks because of that.
    failure = asError(ending.aborted ? ending.reason : error);
  }
  const isKept = failure !== undefined && !isStopped(failure);
  keeper.tell({ keepFolder: isKept });
  try {
    await steps.step('everything ended, nothing left behind', async () => {
      const { left } = await keeper.end();
      if (left.length > 0) throw new Error(`processes ${left.join(', ')} outlived their programs`);
    });
  } catch (error) {
    failure ??= asError(error);
  }
  await logs.close();
  if (failure === undefined) {
    say(`${program}: passed, ${steps.summary}`);
    return EXIT.passed;
  }
  say(`${program}: ${isStopped(failure) ? '' : 'failed: '}${failure.message}`);
  if (isKept) process.stderr.write(`${logs.lastLines()}logs: ${folder}\n`);
  return failure instanceof Interrupted ? failure.exitCode : EXIT.failed;
}

/** By a person or a system, not by a fault: nothing of it is worth keeping. */
function isStopped(failure: Error): boolean {
  return failure instanceof Interrupted && failure.exitCode !== EXIT.timedOut;
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function ownFolder({ suite }: SmokeSettings, run: string): string {
  return fileURLToPath(new URL(`../../.smoke/${suite}/run.${run}`, import.meta.url));
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(signal.reason);
    if (signal.aborted) end();
    signal.addEventListener('abort', end);
  });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
