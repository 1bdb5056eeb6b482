// Owns the grammar of `arw-cli runtime`: its acts, and which flags become which arguments.

import { Option, type Command } from 'commander';
import {
  BUDGET_MAX_RESTARTS,
  BUDGET_MAX_WINDOW_SECONDS,
  DRAIN_TIMEOUT_MAX_SECONDS,
  type CommandKind,
} from '../../contract/command.ts';
import { TAIL_DEFAULT, TAIL_MAX } from '../../contract/logs.ts';
import { SANDBOX_KINDS } from '../../contract/words.ts';
import { runtimeCommand, type FollowOptions } from '../commands/runtime-command.ts';
import { runtimeLogs, type LogsOptions } from '../commands/runtime-logs.ts';
import { runtimeStatus } from '../commands/runtime-status.ts';
import type { ShowOptions } from '../commands/show.ts';
import { CliError, EXIT } from '../errors.ts';
import { given, watchOption, wholeNumber, type Given, type HubOf } from './flags.ts';
import { modelOption, presetOption, runtimeOption } from './values.ts';

/** How long --wait follows what does not itself wait for something. */
const FOLLOW_SECONDS = 120;

/** As long as a node waits for the slots of a draining runtime where nobody says how long. */
const DRAIN_SECONDS = 300;

type ActFlags = { id: string; wait?: boolean; timeout?: number; json?: boolean };

export function addRuntimeFamily(program: Command, hub: HubOf): void {
  const runtime = program.command('runtime').description('look at runtimes and act on them');
  const act = (kind: CommandKind, description: string): Command => addAct(runtime, kind, description);
  /** Sends the act; `waitSeconds` is how long its own waiting may take. */
  const send = async (kind: CommandKind, flags: ActFlags, args: Given = {}, waitSeconds = 0): Promise<void> =>
    runtimeCommand(await hub(), { kind, id: flags.id, args }, follow(flags, waitSeconds));

  runtime
    .command('status')
    .description('every runtime of the fleet, then the matrix and which nodes are past its TTL')
    .addOption(watchOption())
    .option('--json', 'print { supervisor, matrix } as the hub serves them')
    .action(async (options: ShowOptions) => runtimeStatus(await hub(), options));

  runtime
    .command('logs')
    .description('the last lines that a runtime wrote, without secrets')
    .addOption(runtimeOption())
    .option('--tail <lines>', `how many lines, at most ${TAIL_MAX}`, wholeNumber(0, TAIL_MAX), TAIL_DEFAULT)
    .option('--follow', 'then what it writes from now on, until Ctrl-C')
    .option('--json', 'print a line of JSON for each: { line }, or { dropped } for so many that are missing')
    .action(async (options: LogsOptions) => runtimeLogs(await hub(), options));

  act('restore', 'restart a runtime, or bring it back; spends one restart of its budget')
    .option('--no-restart', 'leave it alone where it is running')
    .addOption(presetOption('start it with this preset of its manifest'))
    .option('--force', 'also when the restart budget is exhausted')
    .action((flags: ActFlags & { restart: boolean; preset?: string; force?: boolean }) =>
      send(
        'restore',
        flags,
        given(
          ['restart', flags.restart ? undefined : false],
          ['preset', flags.preset],
          ['force', flags.force],
        ),
      ),
    );

  act('start', 'start a runtime that was shut down').action((flags: ActFlags) => send('start', flags));
  act('shutdown', 'stop a runtime, and leave it stopped').action((flags: ActFlags) =>
    send('shutdown', flags),
  );

  act('drain', 'give a runtime no new work, and wait until nothing is at work')
    .addOption(
      new Option('--then <act>', 'what follows; a restart spends one of its budget (default: hold)').choices([
        'hold',
        'shutdown',
        'restart',
      ]),
    )
    .option(
      '--timeout-secs <seconds>',
      `how long the node waits for the slots (default: ${DRAIN_SECONDS})`,
      wholeNumber(1, DRAIN_TIMEOUT_MAX_SECONDS),
    )
    .action((flags: ActFlags & { then?: string; timeoutSecs?: number }) =>
      send(
        'drain',
        flags,
        given(['then', flags.then], ['timeout_seconds', flags.timeoutSecs]),
        flags.timeoutSecs ?? DRAIN_SECONDS,
      ),
    );
  act('undrain', 'give a draining runtime new work again').action((flags: ActFlags) =>
    send('undrain', flags),
  );

  for (const [kind, description] of [
    ['load', 'load a model of a runtime that serves several'],
    ['unload', 'free the memory of a model; the runtime stays up'],
  ] as const) {
    act(kind, description)
      .addOption(modelOption('the model, as `runtime status` lists it').makeOptionMandatory())
      .action((flags: ActFlags & { model: string }) => send(kind, flags, { model: flags.model }));
  }

  act('switch', 'run with another preset or in another sandbox; spends one restart where it is up')
    .addOption(presetOption('a preset of its manifest'))
    .addOption(new Option('--sandbox <kind>', 'how it is confined').choices(SANDBOX_KINDS))
    .action((flags: ActFlags & { preset?: string; sandbox?: string }) =>
      send(
        'switch',
        flags,
        some(
          given(['preset', flags.preset], ['sandbox', flags.sandbox]),
          'switch to what? Name --preset, --sandbox or both',
        ),
      ),
    );

  act('budget', 'widen or narrow the restart budget; it holds until the next time')
    .option(
      '--max-restarts <count>',
      'how many restarts the window allows; 0 switches automatic restarts off',
      wholeNumber(0, BUDGET_MAX_RESTARTS),
    )
    .option('--window-secs <seconds>', 'how long a restart counts', wholeNumber(1, BUDGET_MAX_WINDOW_SECONDS))
    .action((flags: ActFlags & { maxRestarts?: number; windowSecs?: number }) =>
      send(
        'budget',
        flags,
        some(
          given(['max_restarts', flags.maxRestarts], ['window_seconds', flags.windowSecs]),
          'change what of the budget? Name --max-restarts, --window-secs or both',
        ),
      ),
    );
}

function addAct(runtime: Command, kind: CommandKind, description: string): Command {
  return runtime
    .command(kind)
    .description(description)
    .addOption(runtimeOption())
    .option('--wait', 'follow the job to its end')
    .option(
      '--timeout <seconds>',
      `how long --wait follows (default: ${FOLLOW_SECONDS}${kind === 'drain' ? ' more than the node waits' : ''})`,
      wholeNumber(1),
    )
    .option('--json', 'print the answer, or with --wait the job');
}

function follow(flags: ActFlags, waitSeconds: number): FollowOptions {
  const { wait = false, json = false, timeout = waitSeconds + FOLLOW_SECONDS } = flags;
  return { wait, json, timeoutSeconds: timeout };
}

/** @throws CliError where none was given. */
function some(args: Given, question: string): Given {
  if (Object.keys(args).length === 0) throw new CliError(EXIT.usage, question);
  return args;
}
