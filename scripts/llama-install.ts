/** `npm run llama:install`: puts a real llama-server into the project's cache. */
import { LLAMA_SERVER } from './engine/debian-program.ts';
import { installCommand } from './engine/install-command.ts';

await installCommand('llama:install', LLAMA_SERVER);
