// Owns how a chat is put to a gateway and how its answer is read: OpenAI's protocol on one side, an action on the other.

import * as v from 'valibot';
import type { ChatInput, ChatOutput } from '../../contract/actions.ts';
import type { CommandError } from '../../contract/command.ts';
import { ProblemSchema, problemReason } from '../../contract/problem.ts';
import { spokenLine } from '../../contract/status.ts';

export const CHAT_PATH = '/v1/chat/completions';

/** @param model as the node's gateway knows it. */
export function chatBody(input: ChatInput, model: string, stream: boolean): string {
  const { prompt, messages, temperature, max_tokens } = input;
  // The model comes first: a gateway reads a body as far as that.
  return JSON.stringify({
    model,
    messages: messages ?? [{ role: 'user', content: prompt }],
    stream,
    ...(temperature !== undefined && { temperature }),
    ...(max_tokens !== undefined && { max_tokens }),
  });
}

const CompletionSchema = v.looseObject({
  model: v.optional(v.string()),
  choices: v.pipe(
    v.array(
      v.looseObject({ message: v.looseObject({ role: v.string(), content: v.nullish(v.string(), null) }) }),
    ),
    v.minLength(1),
  ),
});

export type Reply =
  | { ok: true; model: string | null; reply: NonNullable<ChatOutput['reply']> }
  | { ok: false; error: CommandError };

/** What the gateway answered in full. */
export function replyOf(status: number, text: string): Reply {
  const json = parsed(text);
  if (status < 200 || status > 299) return { ok: false, error: refusalOf(status, json) };
  const completion = v.safeParse(CompletionSchema, json);
  const message = completion.success ? completion.output.choices[0]?.message : undefined;
  if (!completion.success || message === undefined) {
    return {
      ok: false,
      error: { reason: 'runtime-failed', message: 'The runtime answered, but no chat completion' },
    };
  }
  const { role, content } = message;
  return { ok: true, model: completion.output.model ?? null, reply: { role, content } };
}

const OpenAiErrorSchema = v.looseObject({ error: v.looseObject({ message: v.string() }) });

/** In the words of the gateway, or else of the engine. */
function refusalOf(status: number, json: unknown): CommandError {
  const document = v.safeParse(ProblemSchema, json);
  if (document.success) {
    const reason = problemReason(document.output) ?? 'runtime-failed';
    return { reason, message: spokenLine(document.output.detail) };
  }
  const told = v.safeParse(OpenAiErrorSchema, json);
  const words = told.success ? told.output.error.message : 'it did not say why';
  const reason = status >= 400 && status < 500 ? 'malformed-body' : 'runtime-failed';
  return { reason, message: spokenLine(`The runtime answered ${status}: ${words}`) };
}

/** The last event of a stream that broke: OpenAI's clients raise its `error`. A blank line ends what came in part. */
export function brokenEvent({ reason, message }: CommandError): string {
  const error = { message, type: 'server_error', code: reason.replaceAll('-', '_'), param: null };
  return `\n\nevent: error\ndata: ${JSON.stringify({ error })}\n\n`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No JSON: what was expected says so.
    return undefined;
  }
}
