/** Owns the command line of the installers: its options, its words and its exit codes. */
import { parseArgs } from 'node:util';
import type { DebianProgram } from './debian-program.ts';
import { InstallError } from './install-error.ts';
import { installServer } from './install.ts';
import { projectCacheDir } from './project-cache.ts';

function help({ name }: DebianProgram): string {
  return `Installs ${name} from Debian packages into the project's cache folder.
Needs apt-get and a network, not root; changes nothing outside the project.

  --force   install again although it is there
  --help    print this
`;
}

/** @param script the name of the npm script, which begins each line of progress. */
export async function installCommand(script: string, program: DebianProgram): Promise<void> {
  const log = (line: string): void => void process.stderr.write(`${script}: ${line}\n`);
  try {
    const { values } = parseArgs({
      options: { force: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      process.stdout.write(help(program));
      return;
    }
    const options = { cacheDir: projectCacheDir(), force: values.force ?? false, log };
    const { binary } = await installServer(program, options);
    process.stdout.write(`${binary}\n`);
  } catch (error) {
    const wrongOption = error instanceof TypeError && 'code' in error;
    if (!(error instanceof InstallError) && !wrongOption) throw error;
    log(error.message);
    process.exitCode = wrongOption ? 2 : 1;
  }
}
