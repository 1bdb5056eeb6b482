// Owns the grammar of `arw-cli alert`.

import { InvalidArgumentError, Option, type Command } from 'commander';
import { ALERT_GRACE_DEFAULT_SECONDS, ALERT_KINDS, ALERT_SHAPES } from '../../contract/alerts.ts';
import { alertList, alertShow } from '../commands/alert-list.ts';
import { alertRemove } from '../commands/alert-remove.ts';
import { ALL, alertSet, type AlertSetOptions } from '../commands/alert-set.ts';
import { alertTest } from '../commands/alert-test.ts';
import type { ShowOptions } from '../commands/show.ts';
import { watchOption, wholeNumber, type HubOf } from './flags.ts';
import { alertArgument } from './values.ts';

const GRACE_MAX_SECONDS = 86_400;

export function addAlertFamily(program: Command, hub: HubOf): void {
  const alert = program.command('alert').description('whom the hub tells of problems: Slack, Discord, HTTP');

  alert
    .command('list')
    .description('every alert: where to, what is open, how its messages fare')
    .addOption(watchOption())
    .option('--json', 'print { alerts } as the hub serves them')
    .action(async (options: ShowOptions) => alertList(await hub(), options));

  alert
    .command('show')
    .description('one alert, with all of its rule')
    .addArgument(alertArgument())
    .addOption(watchOption())
    .option('--json', 'print the alert as the hub serves it')
    .action(async (id: string, options: ShowOptions) => alertShow(await hub(), id, options));

  alert
    .command('set')
    .description('make an alert, or change what is named of one; the rest of it stays')
    .addArgument(alertArgument('a name of yours: small letters, digits and - . _'))
    .option('--url <url>', 'the webhook, a secret; left out of a new one, or "-": asked for, or piped in')
    .addOption(new Option('--shape <shape>', 'how messages are written (generic)').choices(ALERT_SHAPES))
    .option('--secret <secret>', 'sign for a generic receiver: whsec_..., or "new" to have one made')
    .option('--no-secret', 'sign no more')
    .addOption(
      new Option('--kinds <kinds>', `what is told, with commas between, or "${ALL}" for all`)
        .choices(ALERT_KINDS)
        .argParser(kindsOf),
    )
    .option('--nodes <nodes>', `those of these nodes alone, with commas between, or "${ALL}"`, listOf)
    .option('--runtimes <runtimes>', `those of these runtimes alone, or "${ALL}"`, listOf)
    .addOption(new Option('--min-severity <severity>', 'from which on (warn)').choices(['warn', 'error']))
    .option(
      '--grace-secs <seconds>',
      `what is over sooner is never told (${ALERT_GRACE_DEFAULT_SECONDS})`,
      wholeNumber(0, GRACE_MAX_SECONDS),
    )
    .option('--recoveries', 'tell also when a problem is over (as it is by itself)')
    .option('--no-recoveries', 'tell problems alone')
    .option('--enable', 'switch it on (as a new one is)')
    .addOption(new Option('--disable', 'switch it off').conflicts('enable'))
    .option('--json', 'print the alert as the hub has it then, with the secret that was made')
    .action(async (id: string, options: AlertSetOptions) => alertSet(await hub(), id, options));

  alert
    .command('test')
    .description('send one message now, and say what the receiver answered')
    .addArgument(alertArgument())
    .option('--json', 'print { ok, status, latency_ms }')
    .action(async (id: string, options: { json?: boolean }) => alertTest(await hub(), id, options));

  alert
    .command('remove')
    .description('forget an alert: it tells nothing more, not even ends')
    .addArgument(alertArgument())
    .option('--yes', 'do not ask')
    .option('--json', 'print { removed }')
    .action(async (id: string, options: { yes?: boolean; json?: boolean }) =>
      alertRemove(await hub(), id, options),
    );
}

function listOf(text: string): string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length === 0) throw new InvalidArgumentError(`Name at least one, or "${ALL}" for all.`);
  return names;
}

function kindsOf(text: string): string[] {
  const kinds = listOf(text);
  const known = new Set<string>([...ALERT_KINDS, ALL]);
  if (!kinds.every((kind) => known.has(kind))) {
    throw new InvalidArgumentError(`The kinds are ${ALERT_KINDS.join(', ')}.`);
  }
  return kinds;
}
