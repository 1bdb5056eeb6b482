// Owns where words go: results to stdout, progress and faults to stderr.

export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}
