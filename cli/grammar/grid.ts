// Owns the grammar of `arw-cli grid`.

import { Option, type Command } from 'commander';
import { RUNTIME_STATES } from '../../contract/words.ts';
import { grid, type GridOptions } from '../commands/grid.ts';
import { watchOption, type HubOf } from './flags.ts';
import { modelOption } from './values.ts';

export function addGrid(program: Command, hub: HubOf): void {
  program
    .command('grid')
    .description('the fleet by model, hardware and sandbox, with what all of it adds up to')
    .addOption(modelOption('only cells of this model'))
    .option('--hardware <hardware>', 'only cells of this hardware, or of its kind: "GPU (CUDA)"')
    .option('--sandbox <sandbox>', 'only cells in this sandbox')
    .addOption(
      new Option('--state <state>', 'only cells with a runtime in this state').choices(RUNTIME_STATES),
    )
    .addOption(watchOption())
    .option('--json', 'print the grid as the hub serves it')
    .action(async (options: GridOptions) => grid(await hub(), options));
}
