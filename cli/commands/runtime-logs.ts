// Owns `arw-cli runtime logs`: the last lines of a runtime's log, and with --follow what comes after them.

import { createParser, type EventSourceMessage } from 'eventsource-parser';
import * as v from 'valibot';
import { LogEndSchema, LogsDroppedSchema } from '../../contract/logs.ts';
import { CliError, EXIT } from '../errors.ts';
import { streamHub, type Hub } from '../hub-client.ts';
import { jsonText, progress } from '../output.ts';

export type LogsOptions = { id: string; tail: number; follow?: boolean; json?: boolean };

export async function runtimeLogs(
  hub: Hub,
  { id, tail, follow = false, json = false }: LogsOptions,
): Promise<void> {
  const left = new AbortController();
  const leave = (): void => left.abort();
  // Ctrl-C is how a follow is meant to end; a pipe that nobody reads any more (`| head`) ends it as well.
  process.once('SIGINT', leave);
  process.stdout.on('error', leave);
  const query = new URLSearchParams({ tail: String(tail), ...(follow && { follow: '1' }) });
  const path = `orchestrator/runtimes/${encodeURIComponent(id)}/logs?${query.toString()}`;
  try {
    const { chunks } = await streamHub(hub, path, { signal: left.signal });
    await (follow ? showEvents(hub, chunks, json) : json ? showLines(chunks) : showText(chunks));
  } catch (error) {
    if (!left.signal.aborted) throw error;
  } finally {
    process.off('SIGINT', leave);
  }
}

async function showText(chunks: AsyncIterable<string>): Promise<void> {
  for await (const text of chunks) await write(text);
}

async function showLines(chunks: AsyncIterable<string>): Promise<void> {
  let rest = '';
  for await (const text of chunks) {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) await writeJson({ line });
  }
  if (rest !== '') await writeJson({ line: rest });
}

/** @throws CliError where the stream ends otherwise than by its own limit. */
async function showEvents(hub: Hub, chunks: AsyncIterable<string>, json: boolean): Promise<void> {
  const events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => void events.push(event) });
  for await (const text of chunks) {
    parser.feed(text);
    for (const event of events.splice(0)) {
      if (event.event === 'end') return concluded(event.data);
      await show(event, json);
    }
  }
  throw new CliError(EXIT.unreachable, `the stream from ${hub.url.origin} broke off; ask again to go on`);
}

async function show({ event, data }: EventSourceMessage, json: boolean): Promise<void> {
  if (event === 'log') return json ? writeJson({ line: data }) : write(`${data}\n`);
  if (event !== 'dropped') return;
  const dropped = parsed(LogsDroppedSchema, data);
  if (dropped === undefined) return;
  if (json) await writeJson({ dropped: dropped.lines });
  else progress(`${dropped.lines} lines left out here: the log is faster than its way`);
}

function concluded(data: string): void {
  const end = parsed(LogEndSchema, data);
  const message = end?.message ?? 'The stream ended';
  if (end?.reason !== 'limit') throw new CliError(EXIT.failed, message);
  progress(message);
}

function parsed<T>(schema: v.GenericSchema<unknown, T>, data: string): T | undefined {
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), data);
  return result.success ? result.output : undefined;
}

async function writeJson(value: object): Promise<void> {
  await write(`${jsonText(value)}\n`);
}

/** What could steer the terminal, should a node send it. */
const STEERING = /[^\P{Cc}\n\t]/gu;

/** Waits where who reads is slow: the hub then leaves lines out rather than this program hold them. */
function write(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text.replace(STEERING, '\uFFFD'), () => resolve());
  });
}
