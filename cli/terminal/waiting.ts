// Owns what a person sees while something takes its time: one moving line on stderr, on a terminal only.

import { lineOf, cut, toText } from '../render/line.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const EVERY_MS = 100;
/** What is over sooner needs no word. */
const AFTER_MS = 300;

export class Waiting {
  readonly #startedMs = performance.now();
  #label: string;
  #timer: NodeJS.Timeout | undefined;
  #frame = 0;

  constructor(label: string) {
    this.#label = label;
    if (!process.stderr.isTTY || process.env['TERM'] === 'dumb') return;
    this.#timer = setInterval(() => this.#draw(), EVERY_MS);
    this.#timer.unref();
  }

  say(label: string): void {
    this.#label = label;
  }

  /** Takes its line away. */
  stop(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#frame > 0) process.stderr.write('\r\u001B[K');
  }

  #draw(): void {
    const elapsedMs = performance.now() - this.#startedMs;
    if (elapsedMs < AFTER_MS) return;
    const mark = FRAMES[(this.#frame += 1) % FRAMES.length] ?? '';
    const seconds = Math.floor(elapsedMs / 1000);
    const line = lineOf(`${mark} ${this.#label}${seconds === 0 ? '' : ` (${seconds} s)`}`);
    process.stderr.write(`\r${toText([cut(line, (process.stderr.columns || 80) - 1)]).trimEnd()}\u001B[K`);
  }
}
