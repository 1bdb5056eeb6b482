#!/usr/bin/env node
// Owns the command line of operators: a run from its words to its exit code. What it takes is in grammar/.

import { complete, COMPLETE } from './completion/complete.ts';
import { CliError, EXIT } from './errors.ts';
import { makeProgram } from './grammar/program.ts';
import { progress } from './output.ts';

// A pipe that nobody reads any more (`| head`) ends the run without a word.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT.ok);
});

try {
  const program = makeProgram();
  const [, , first, ...words] = process.argv;
  // Before commander reads them: the words of a line that is being typed are no flags of this run.
  if (first === COMPLETE) await complete(program, words);
  else await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CliError) {
    progress(`arw-cli: ${error.message}`);
    return error.exitCode;
  }
  // Commander has said what was wrong already; help and version are no faults.
  if (isCommanderError(error)) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  throw error;
}

function isCommanderError(error: unknown): error is Error & { exitCode: number } {
  return error instanceof Error && 'exitCode' in error && typeof error.exitCode === 'number';
}
