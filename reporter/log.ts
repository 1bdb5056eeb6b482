// Owns what the reporter says of itself: one line an event on stderr, readable by people and by journald.

export type Log = {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
};

export function stderrLog(): Log {
  return {
    info: (message) => write('info ', message),
    warn: (message) => write('warn ', message),
    error: (message) => write('error', message),
  };
}

function write(level: string, message: string): void {
  process.stderr.write(`${new Date().toISOString()} ${level} ${message}\n`);
}
