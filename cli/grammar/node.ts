// Owns the grammar of `arw-cli node`.

import type { Command } from 'commander';
import { nodeList, nodeTable } from '../commands/node-list.ts';
import { nodeRemove } from '../commands/node-remove.ts';
import type { ShowOptions } from '../commands/show.ts';
import type { Hub } from '../hub-client.ts';
import { watchOption } from './flags.ts';

export function addNodeFamily(program: Command, hub: () => Hub): void {
  program
    .command('nodes')
    .description('a table of every enrolled node: how fresh, how loaded, what its runtimes are')
    .addOption(watchOption())
    .option('--json', 'print { nodes, matrix } as the hub serves them')
    .action((options: ShowOptions) => nodeTable(hub(), options));

  const node = program.command('node').description('the hosts that are enrolled at the hub');

  node
    .command('list')
    .description('every enrolled node, heard or not')
    .addOption(watchOption())
    .option('--json', 'print { nodes, matrix } as the hub serves them')
    .action((options: ShowOptions) => nodeList(hub(), options));

  node
    .command('remove')
    .description('take a node out of the registry: its token ends, and its name is free again')
    .argument('<node>', 'its name, as `node list` has it')
    .option('--yes', 'do not ask')
    .action((name: string, options: { yes?: boolean }) => nodeRemove(hub(), name, options));
}
