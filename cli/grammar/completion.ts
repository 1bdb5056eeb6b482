// Owns the grammar of `arw-cli completion`.

import { Argument, type Command } from 'commander';
import { SCRIPTS, SHELLS, type Shell } from '../completion/scripts.ts';
import { print } from '../output.ts';

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description(
      'print the script with which a shell completes commands, flags and the ids that the hub knows',
    )
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText(
      'after',
      `
For every new shell:
  bash  echo 'source <(arw-cli completion bash)' >> ~/.bashrc
  zsh   echo 'source <(arw-cli completion zsh)' >> ~/.zshrc      (after compinit)
  fish  arw-cli completion fish > ~/.config/fish/completions/arw-cli.fish`,
    )
    .action((shell: Shell) => print(SCRIPTS[shell]));
}
