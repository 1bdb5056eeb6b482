// Owns the grammar of `arw-cli events`.

import { InvalidArgumentError, type Command } from 'commander';
import { REPLAY_MAX } from '../../contract/events.ts';
import { eventsTail, type TailOptions } from '../commands/events-tail.ts';
import { wholeNumber, type HubOf } from './flags.ts';
import { prefixOption } from './values.ts';

export function addEvents(program: Command, hub: HubOf): void {
  program
    .command('events')
    .description('what happens in the fleet')
    .command('tail')
    .description(
      'tell each event as it happens, until Ctrl-C; a connection that breaks is taken up where it broke',
    )
    .addOption(
      prefixOption(
        'only kinds that begin like this, several after commas (default: all but those of each heartbeat)',
      ),
    )
    .option('--replay <count>', 'first the last ones, so many', wholeNumber(0, REPLAY_MAX))
    .option('--after <id>', 'first everything after this event; 0 for all that the hub has', eventId)
    .option('--json', 'print each event as one line of JSON: { id, time, kind, payload }')
    .action(async (options: TailOptions) => eventsTail(await hub(), options));
}

function eventId(text: string): string {
  if (/^\d{1,16}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be the id of an event.');
}
