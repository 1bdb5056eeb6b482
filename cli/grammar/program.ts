// Owns the tree of commands: what arw-cli takes, its help, and what completion walks through.

import { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { doctor } from '../commands/doctor.ts';
import { joinToken } from '../commands/join-token.ts';
import { hubFrom, type HubFlags } from '../settings/settings.ts';
import { addAlertFamily } from './alert.ts';
import { addChat } from './chat.ts';
import { addCompletion } from './completion.ts';
import { addEvents } from './events.ts';
import { wholeNumber, type HubOf } from './flags.ts';
import { addGrid } from './grid.ts';
import { addJobFamily } from './job.ts';
import { addNodeFamily } from './node.ts';
import { addProfileFamily } from './profile.ts';
import { addRuntimeFamily } from './runtime.ts';
import { profileOption } from './values.ts';

export function makeProgram(): Command {
  const program = new Command('arw-cli')
    .description('Sees and steers the runtimes of a Runtime Matrix hub.')
    .version(packageJson.version)
    .option('--hub <url>', 'the hub (ARW_HUB_URL, the profile, else http://127.0.0.1:8787)')
    .option('--token <token>', 'the token (ARW_ADMIN_TOKEN, the profile)')
    .addOption(profileOption())
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(faultLine(text)) })
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 refused or failed (also: restart budget exhausted),
2 wrong usage or setting, 3 no hub answers there, 4 the token is missing or not
allowed to, 130 interrupted. Faults are one line on stderr.`,
    );
  const hub: HubOf = () => hubFrom(program.opts<HubFlags>(), process.env);

  addRuntimeFamily(program, hub);
  addNodeFamily(program, hub);
  addGrid(program, hub);
  addChat(program, hub);
  addEvents(program, hub);
  addJobFamily(program, hub);
  addAlertFamily(program, hub);
  program
    .command('join-token')
    .description('make a token with which new hosts enrol themselves, and print the line to run there')
    .option('--uses <count>', 'how many hosts it is good for', wholeNumber(1), 1)
    .option('--ttl-secs <seconds>', 'how long it is good', wholeNumber(1), 3600)
    .option('--json', 'print the answer of the hub')
    .action(async (options: { json?: boolean; uses: number; ttlSecs: number }) =>
      joinToken(await hub(), options),
    );
  program
    .command('doctor')
    .description('check settings, hub, clock, version, token and nodes; each fault with its remedy')
    .option('--json', 'print { ok, findings }')
    .action((options: { json?: boolean }) => doctor(program.opts<HubFlags>(), options));
  addProfileFamily(program);
  addCompletion(program);
  return program;
}

/** One sentence, as every other fault of this program has it. */
function faultLine(text: string): string {
  const [what = '', ...more] = text
    .replace(/^error: /, '')
    .trim()
    .split('\n');
  return `arw-cli: ${[what, ...more].join(' ')}\n`;
}
