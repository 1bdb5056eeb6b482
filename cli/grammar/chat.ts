// Owns the grammar of `arw-cli chat`.

import { InvalidArgumentError, type Command } from 'commander';
import { chat, type ChatOptions } from '../commands/chat.ts';
import { wholeNumber, type HubOf } from './flags.ts';
import { modelOption, nodeOption } from './values.ts';

const MAX_TOKENS = 10_000_000;

export function addChat(program: Command, hub: HubOf): void {
  program
    .command('chat')
    .description('ask a model of the fleet, and see the answer as it comes; Ctrl-C ends it in the engine too')
    .argument(
      '[prompt...]',
      'what to ask; "-" stands for what is piped in; on a terminal without it, a conversation',
    )
    .addOption(modelOption('a model, or a runtime; without it any that serves text'))
    .addOption(nodeOption('only on this node'))
    .option('--system <text>', 'what the model is to be told first')
    .option('--temperature <number>', 'how freely it chooses its words', notNegative)
    .option('--max-tokens <count>', 'how long the answer may be', wholeNumber(1, MAX_TOKENS))
    .option('--json', 'print { action_id, node, runtime, model?, finish_reason?, reply } once it is whole')
    .action(async (words: string[], options: ChatOptions) => chat(await hub(), words, options));
}

function notNegative(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('It must be a number from 0.');
}
