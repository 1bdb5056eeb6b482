// Owns the drawer with the log of one runtime, which the address names: it follows, waits while somebody reads further up,
// and tells what is missing and when the stream broke.

import { useSignal, type Signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { parseRuntimeRef } from '../../contract/ids.ts';
import { followLog, type LogStreamNews } from '../connection/log-stream.ts';
import { route } from '../model/location.ts';
import {
  droppedWords,
  heldWords,
  logText,
  NO_LINES,
  withNews,
  type LogLines,
} from '../view-model/log-lines.ts';
import { hashOf } from '../view-model/route.ts';

export function LogDrawer() {
  const name = route.value.parameters['logs'];
  const ref = name === undefined ? undefined : parseRuntimeRef(name);
  if (name === undefined || ref?.node === undefined) return null;
  return <Drawer key={name} node={ref.node} runtime={ref.runtime} />;
}

type Turn = { words: string; isStopped: boolean };

function Drawer({ node, runtime }: { node: string; runtime: string }) {
  const log = useSignal<LogLines>(NO_LINES);
  const turn = useSignal<Turn>({ words: 'Connecting…', isStopped: false });
  const attempt = useSignal(0);
  const heading = useRef<HTMLHeadingElement>(null);
  const name = `${node}/${runtime}`;

  // While it is still there: what is taken away with the focus in it leaves the focus nowhere for a frame.
  useLayoutEffect(() => {
    const before = document.activeElement;
    heading.current?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  useEffect(() => followLog({ node, runtime }, (news) => take(news, log, turn)), [attempt.value]);

  const held = heldWords(log.value);
  return (
    <section
      class="drawer"
      aria-labelledby="log-title"
      onKeyDown={({ key }) => {
        if (key === 'Escape') close();
      }}
    >
      <header>
        <h2 id="log-title" ref={heading} tabIndex={-1}>
          Log of {name}
        </h2>
        <p class="muted" role="status">
          {log.value.paused ? 'Paused while you read further up' : turn.value.words}
        </p>
        <div class="buttons">
          {turn.value.isStopped && (
            <button type="button" class="small" onClick={() => (attempt.value += 1)}>
              Try again
            </button>
          )}
          <Copy text={() => logText(log.value)} />
          <button type="button" class="small" onClick={close}>
            Close<span class="unseen"> the log</span>
          </button>
        </div>
      </header>
      <Lines log={log} name={name} />
      {log.value.paused && (
        <button
          type="button"
          class="primary follow"
          onClick={() => (log.value = withNews(log.value, { kind: 'resume' }))}
        >
          {held ?? 'No new line'} – follow again
        </button>
      )}
    </section>
  );
}

/** How far from the end still counts as at the end: half a line, and what rounding leaves. */
const END_PX = 16;

function Lines({ log, name }: { log: Signal<LogLines>; name: string }) {
  const box = useRef<HTMLDivElement>(null);
  const { shown, paused } = log.value;
  useLayoutEffect(() => {
    if (!paused && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [shown, paused]);
  const scrolled = (): void => {
    if (box.current === null) return;
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < END_PX;
    if (isAtEnd === log.value.paused) {
      log.value = withNews(log.value, { kind: isAtEnd ? 'resume' : 'pause' });
    }
  };
  return (
    // Everybody must be able to scroll it, also without a mouse.
    <div
      ref={box}
      class="lines"
      role="log"
      aria-live="off"
      aria-label={`Lines of ${name}`}
      tabIndex={0}
      onScroll={scrolled}
    >
      {shown.length === 0 && <p class="note">No line yet.</p>}
      {shown.map(({ key, kind, text }) => (
        <p key={key} class={kind}>
          {text === '' ? '\u00a0' : text}
        </p>
      ))}
    </div>
  );
}

function Copy({ text }: { text: () => string }) {
  const told = useSignal('Copy');
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text());
      told.value = 'Copied';
    } catch {
      // Without TLS a browser has no clipboard, and a person may forbid it.
      told.value = 'Not allowed here: select the lines';
    }
    setTimeout(() => (told.value = 'Copy'), 3000);
  };
  return (
    <button type="button" class="small" onClick={() => void copy()}>
      <span aria-live="polite">{told.value}</span>
    </button>
  );
}

function take(news: LogStreamNews, log: Signal<LogLines>, turn: Signal<Turn>): void {
  const note = (text: string): void => {
    log.value = withNews(log.value, { kind: 'note', text });
  };
  switch (news.kind) {
    case 'connecting':
      turn.value = { words: 'Connecting…', isStopped: false };
      return;
    case 'open':
      if (log.value.nextKey > 0) note('Connected again');
      turn.value = { words: 'Following', isStopped: false };
      return;
    case 'lines':
      log.value = withNews(log.value, news);
      return;
    case 'dropped':
      return note(droppedWords(news.lines));
    case 'broke': {
      const seconds = Math.round(news.againInMs / 1000);
      if (log.value.nextKey > 0 && turn.value.words === 'Following') note(news.told);
      turn.value = { words: `${news.told} Trying again in ${seconds} s.`, isStopped: false };
      return;
    }
    case 'stopped':
      turn.value = { words: news.told, isStopped: true };
      return;
    default:
      return news satisfies never;
  }
}

function close(): void {
  const { logs: _, ...parameters } = route.value.parameters;
  location.hash = hashOf({ ...route.value, parameters });
}
