// Owns one question and its answer: asked through the hub, streamed, and taken back in the engine where nobody wants it.

import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { ACTION_KIND, type ChatInput } from '../../contract/actions.ts';
import { CliError, EXIT } from '../errors.ts';
import { askHub, streamHub, type Hub } from '../hub-client.ts';
import { pieceOf, type Told } from './reply.ts';

/** An engine may read a long prompt for minutes before its first word. The hub ends an action after 30. */
const HEAD_WITHIN_MS = 30 * 60_000;
const CANCEL_WITHIN_MS = 2_000;

export type Hearing = {
  /** Who answers, once that is known. */
  onTaken: (by: { node: string; runtime: string }) => void;
  onText: (text: string) => void;
  onThought: () => void;
};

export type Answer = Told & { action: string; node: string; runtime: string; content: string };

/** Undefined where `signal` ended it: the engine has been told to stop. @throws CliError */
export async function exchange(
  hub: Hub,
  input: ChatInput,
  { onTaken, onText, onThought }: Hearing,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  const told: Told = {};
  let content = '';
  let action = '';
  const closed = new AbortController();
  const cancelled = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => {
      // Closing the stream cancels as well; where something on the way keeps it open, the word of the hub counts.
      void cancel(hub, action).then(() => {
        closed.abort();
        resolve();
      });
    });
  });
  try {
    const body = { kind: ACTION_KIND, input };
    const { header, chunks } = await streamHub(hub, 'actions', {
      signal: closed.signal,
      headers: { accept: 'text/event-stream' },
      body,
      headWithinMs: HEAD_WITHIN_MS,
    });
    action = header('x-arw-action') ?? '';
    const by = { node: header('x-arw-node') ?? '', runtime: header('x-arw-runtime') ?? '' };
    if (signal.aborted) await cancel(hub, action);
    onTaken(by);
    const events: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (event) => void events.push(event) });
    for await (const text of chunks) {
      parser.feed(text);
      for (const { event, data } of events.splice(0)) {
        if (signal.aborted) continue;
        const piece = pieceOf(event, data, told);
        if (piece.kind === 'failed')
          throw new CliError(EXIT.failed, `${nameOf(by)} failed: ${piece.message}`);
        if (piece.kind === 'done') return { action, ...by, content, ...told };
        if (piece.kind === 'thought') onThought();
        if (piece.kind !== 'text') continue;
        content += piece.text;
        onText(piece.text);
      }
    }
    if (!signal.aborted) throw brokeOff(hub);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  await cancelled;
  return undefined;
}

export function nameOf({ node, runtime }: { node: string; runtime: string }): string {
  return `${node}/${runtime}`;
}

async function cancel(hub: Hub, action: string): Promise<void> {
  if (action === '') return;
  const quick = { ...hub, signal: AbortSignal.timeout(CANCEL_WITHIN_MS) };
  await askHub(quick, 'DELETE', `actions/${encodeURIComponent(action)}`).catch(() => undefined);
}

function brokeOff(hub: Hub): CliError {
  return new CliError(EXIT.unreachable, `the answer from ${hub.url.origin} broke off; ask again`);
}
