/**
 * `npm run llama:install`: puts a real llama-server into the project's cache. Owns the command line only.
 */
import { parseArgs } from 'node:util';
import { InstallError } from './engine/install-error.ts';
import { installLlamaServer } from './engine/install.ts';
import { projectCacheDir } from './engine/project-cache.ts';

const HELP = `Installs llama-server from Debian packages into the project's cache folder.
Needs apt-get and a network, not root; changes nothing outside the project.

  --force   install again although it is there
  --help    print this
`;

const log = (line: string): void => void process.stderr.write(`llama:install: ${line}\n`);

try {
  const { values } = parseArgs({
    options: { force: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    process.stdout.write(HELP);
  } else {
    const { binary } = await installLlamaServer({
      cacheDir: projectCacheDir(),
      force: values.force ?? false,
      log,
    });
    process.stdout.write(`${binary}\n`);
  }
} catch (error) {
  const wrongOption = error instanceof TypeError && 'code' in error;
  if (!(error instanceof InstallError) && !wrongOption) throw error;
  log(error.message);
  process.exitCode = wrongOption ? 2 : 1;
}
