// Owns where words go: results to stdout, progress and faults to stderr. Nothing that a node said steers a terminal.

export function print(text: string): void {
  process.stdout.write(line(text));
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

export function progress(text: string): void {
  process.stderr.write(line(text));
}

/** Control characters are shown as characters that nobody can read, so that they are seen and do nothing. */
export function withoutControl(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => (/[\n\t]/.test(character) ? character : '\uFFFD'));
}

function line(text: string): string {
  const shown = withoutControl(text);
  return shown.endsWith('\n') ? shown : `${shown}\n`;
}
