// Owns the grammar of `arw-cli node`.

import type { Command } from 'commander';
import { nodeList, nodeTable } from '../commands/node-list.ts';
import { nodeRemove } from '../commands/node-remove.ts';
import type { ShowOptions } from '../commands/show.ts';
import { watchOption, type HubOf } from './flags.ts';
import { nodeArgument } from './values.ts';

export function addNodeFamily(program: Command, hub: HubOf): void {
  program
    .command('nodes')
    .description('a table of every enrolled node: how fresh, how loaded, what its runtimes are')
    .addOption(watchOption())
    .option('--json', 'print { nodes, matrix } as the hub serves them')
    .action(async (options: ShowOptions) => nodeTable(await hub(), options));

  const node = program.command('node').description('the hosts that are enrolled at the hub');

  node
    .command('list')
    .description('every enrolled node, heard or not')
    .addOption(watchOption())
    .option('--json', 'print { nodes, matrix } as the hub serves them')
    .action(async (options: ShowOptions) => nodeList(await hub(), options));

  node
    .command('remove')
    .description('take a node out of the registry: its token ends, and its name is free again')
    .addArgument(nodeArgument())
    .option('--yes', 'do not ask')
    .option('--json', 'print { removed }')
    .action(async (name: string, options: { yes?: boolean; json?: boolean }) =>
      nodeRemove(await hub(), name, options),
    );
}
