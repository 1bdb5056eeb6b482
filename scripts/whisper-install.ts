/** `npm run whisper:install`: puts a real whisper-server into the project's cache. */
import { WHISPER_SERVER } from './engine/debian-program.ts';
import { installCommand } from './engine/install-command.ts';

await installCommand('whisper:install', WHISPER_SERVER);
