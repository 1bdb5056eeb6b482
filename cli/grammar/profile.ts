// Owns the grammar of `arw-cli login` and `arw-cli profile`.

import type { Command } from 'commander';
import { login } from '../commands/login.ts';
import { profileList, profileRemove, profileUse } from '../commands/profile.ts';
import type { HubFlags } from '../settings/settings.ts';
import { profileArgument } from './values.ts';

type Json = { json?: boolean };

export function addProfileFamily(program: Command): void {
  program
    .command('login')
    .description('keep a hub and its token under a name (--profile), once the hub has accepted the token')
    .option('--json', 'print { profile, hub, path }')
    .addHelpText(
      'after',
      '\nThe token is asked for without being shown; or pipe it in, or set ARW_ADMIN_TOKEN.',
    )
    .action((options: Json) => login(program.opts<HubFlags>(), options));

  const profile = program.command('profile').description('the hubs that are kept by name');
  profile
    .command('list')
    .description('every profile; tokens are not shown')
    .option('--json', 'print { path, profiles }')
    .action((options: Json) => profileList(options));
  profile
    .command('use')
    .description('the profile that is meant where none is named')
    .addArgument(profileArgument())
    .option('--json', 'print { default }')
    .action((name: string, options: Json) => profileUse(name, options));
  profile
    .command('remove')
    .description('forget a profile and its token')
    .addArgument(profileArgument())
    .option('--json', 'print { removed }')
    .action((name: string, options: Json) => profileRemove(name, options));
}
