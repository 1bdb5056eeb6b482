/**
 * A program that speaks llama-server's HTTP and runs no model: the engine of last resort, and the one whose
 * faults can be ordered. Owns the life of the process: bind, load, ready, stop. Everything it serves says `stub`.
 */
import { createServer } from 'node:http';
import { parseStubOptions, type StubOptions } from './stub/options.ts';
import { StubRoutes } from './stub/routes.ts';

const digits = (value: number, width: number): string => String(value).padStart(width, '0');

/** llama-server's prefix: minutes, seconds, milliseconds and microseconds since the start. */
function log(line: string): void {
  const totalUs = Math.floor(performance.now() * 1000);
  const [minutes, seconds] = [Math.floor(totalUs / 60e6), Math.floor(totalUs / 1e6) % 60];
  const [ms, us] = [Math.floor(totalUs / 1e3) % 1000, totalUs % 1000];
  process.stderr.write(`${minutes}.${digits(seconds, 2)}.${digits(ms, 3)}.${digits(us, 3)} ${line}\n`);
}

function failLoad({ modelPath, exitCode }: StubOptions): never {
  log(`E gguf_init_from_file: failed to open GGUF file '${modelPath}' (No such file or directory)`);
  log(`E llama_model_load: error loading model: llama_model_loader: failed to load model from ${modelPath}`);
  log('E llama_model_load_from_file_impl: failed to load model');
  log(`E cmn  common_init_: failed to load model '${modelPath}'`);
  log(`E srv    load_model: failed to load model, '${modelPath}'`);
  log('I srv    operator(): operator(): cleaning up before exit...');
  log('E srv  llama_server: exiting due to model loading error');
  process.exit(exitCode);
}

function run(options: StubOptions): void {
  const routes = new StubRoutes(options, log);
  const server = createServer((request, response) => {
    routes.handle(request, response).catch((error: unknown) => {
      // A client that goes away while it sends its prompt; a fault of the stub itself ends the stub.
      if (!request.destroyed || request.complete) throw error;
    });
  });
  const stop = (): void => {
    log('I srv    operator(): operator(): cleaning up before exit...');
    process.exit(0);
  };
  const ready = (): void => {
    if (options.failsLoad) failLoad(options);
    // As in llama-server: before this, SIGTERM has its default effect and simply kills.
    if (!options.ignoresSigterm) process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
    routes.phase = 'ready';
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : options.port;
    log('I srv  llama_server: model loaded');
    log(`I srv  llama_server: listening on http://${options.host}:${port}`);
    if (options.startsAsleep) log('I srv  handle_sleep: server is entering sleeping state');
    if (options.exitAfterMs === undefined) return;
    setTimeout(() => {
      log(`E srv  stub: exiting with code ${options.exitCode}, as ordered`);
      process.exit(options.exitCode);
    }, options.exitAfterMs);
  };

  server.on('error', (error) => {
    log(
      `E srv         start: couldn't bind HTTP server socket, hostname: ${options.host}, port: ${options.port}`,
    );
    log(`E srv  llama_server: exiting due to HTTP server error (${error.message})`);
    process.exit(1);
  });
  if (options.ignoresSigterm) process.on('SIGTERM', () => log('W srv  stub: ignoring SIGTERM, as ordered'));
  log('I srv  llama_server: initializing ...');
  log('W srv  stub: this is the stub engine of Runtime Matrix; it runs no model');
  server.listen(options.port, options.host, () => {
    log(`I srv    load_model: loading model '${options.modelPath}'`);
    setTimeout(ready, options.loadMs);
  });
}

try {
  run(parseStubOptions(process.argv.slice(2), log));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
