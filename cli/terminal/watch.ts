// Owns --watch: the same look again and again, drawn in place on a terminal and one after the other elsewhere.

import { setTimeout as delay } from 'node:timers/promises';
import { CliError, EXIT } from '../errors.ts';
import { columnsOf, paintFor, printJsonLine, printLines, progress } from '../output.ts';
import { lineOf, styled, toText, wrappedLine, type Line } from '../render/line.ts';
import { toSeconds } from '../render/time.ts';
import { Screen } from './screen.ts';

export type Watched<T> = {
  load: (signal: AbortSignal) => Promise<T>;
  render: (value: T, columns: number | undefined) => Line[];
};

type Way = {
  show: (lines: (columns: number | undefined) => Line[], value: unknown) => void;
  /** A look that failed, after one that did not. */
  tell: (trouble: string) => void;
  end: () => void;
};

/** Until Ctrl-C. @throws CliError where the first look fails, or one with which no later one could succeed. */
export async function watch<T>({ load, render }: Watched<T>, seconds: number, json: boolean): Promise<void> {
  const left = new AbortController();
  const leave = (): void => left.abort();
  process.once('SIGINT', leave);
  process.stdout.on('error', leave);
  const way = json ? asJson() : isScreen(process.stdout) ? inPlace(seconds) : oneAfterTheOther();
  let isFirst = true;
  try {
    while (!left.signal.aborted) {
      try {
        const value = await load(left.signal);
        isFirst = false;
        way.show((columns) => render(value, columns), value);
      } catch (error) {
        if (left.signal.aborted) break;
        if (isFirst || !(error instanceof CliError) || error.exitCode !== EXIT.unreachable) throw error;
        way.tell(error.message);
      }
      await delay(seconds * 1000, undefined, { signal: left.signal }).catch(() => undefined);
    }
  } finally {
    process.off('SIGINT', leave);
    way.end();
  }
}

function isScreen(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && process.env['TERM'] !== 'dumb';
}

function asJson(): Way {
  return {
    show: (_lines, value) => printJsonLine(value),
    tell: (trouble) => progress(`arw-cli: ${trouble}`),
    end: () => undefined,
  };
}

function oneAfterTheOther(): Way {
  let isFirst = true;
  return {
    show: (lines) => {
      printLines([...(isFirst ? [] : [[]]), ...lines(columnsOf(process.stdout))]);
      isFirst = false;
    },
    tell: (trouble) => progress(`arw-cli: ${trouble}`),
    end: () => undefined,
  };
}

/** What was shown last stays in the terminal when the screen is left. */
function inPlace(seconds: number): Way {
  const { stdout } = process;
  const screen = new Screen(stdout);
  let last: { lines: (columns: number | undefined) => Line[]; at: Date } | undefined;
  let trouble: string | undefined;
  const draw = (): void => {
    if (last === undefined) return;
    const columns = columnsOf(stdout) ?? 80;
    const notes = [
      ...(trouble === undefined
        ? []
        : [lineOf(styled('bad', `As of ${clock(last.at)}, and not newer: ${trouble}`))]),
      lineOf(styled('faint', `Every ${seconds} s; Ctrl-C ends it.`)),
    ].flatMap((note) => wrappedLine(note, columns));
    // Notes come first: the end of what is too long for the screen is not shown.
    const text = toText([...notes, [], ...last.lines(columns)], paintFor(stdout));
    screen.draw(text.trimEnd().split('\n'));
  };
  const suspended = (): void => {
    screen.leave();
    process.kill(process.pid, 'SIGSTOP');
  };
  const ended = (): void => screen.leave();
  const killed = (signal: NodeJS.Signals): void => {
    screen.leave();
    process.off(signal, killed);
    process.kill(process.pid, signal);
  };
  stdout.on('resize', draw);
  process.on('SIGTSTP', suspended).on('SIGCONT', draw).on('exit', ended);
  process.on('SIGTERM', killed).on('SIGHUP', killed);
  return {
    show: (lines) => {
      last = { lines, at: new Date() };
      trouble = undefined;
      draw();
    },
    tell: (words) => {
      trouble = words;
      draw();
    },
    end: () => {
      stdout.off('resize', draw);
      process.off('SIGTSTP', suspended).off('SIGCONT', draw).off('exit', ended);
      process.off('SIGTERM', killed).off('SIGHUP', killed);
      screen.leave();
      if (last !== undefined) printLines(last.lines(columnsOf(stdout)));
    },
  };
}

function clock(at: Date): string {
  return toSeconds(at.toISOString());
}
