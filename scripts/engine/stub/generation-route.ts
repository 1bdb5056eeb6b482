/**
 * Owns `POST /v1/chat/completions` and `/v1/completions` of the stub: reads the request, lets the decoder work,
 * writes the answer whole or as server-sent events, and cancels when the client goes.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorBody } from './bodies.ts';
import type { Decoder, GenerationRequest } from './decoder.ts';
import { firstChunk, lastChunks, tokenChunk, wholeBody, type Answer } from './generation-bodies.ts';

export interface ParsedGeneration {
  request: GenerationRequest;
  includesUsage: boolean;
}

const MAX_BODY_BYTES = 16 * 1024 * 1024;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
/** Near enough to a tokenizer for numbers that have to be plausible, and never 0. */
const countTokens = (text: string): number => 1 + text.split(/\s+/).filter((word) => word !== '').length;

/** What is asked for, or why it cannot be: the message goes into a 400 as llama-server words it. */
export function parseGeneration(body: string, isChat: boolean): ParsedGeneration | { fault: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (error) {
    return { fault: `parse error: ${error instanceof Error ? error.message : 'not JSON'}` };
  }
  if (!isObject(parsed)) return { fault: 'the body is not a JSON object' };
  const prompt = isChat ? parsed['messages'] : parsed['prompt'];
  if (prompt === undefined) return { fault: `'${isChat ? 'messages' : 'prompt'}' is required` };
  const limit = parsed['max_tokens'] ?? parsed['n_predict'];
  const streamOptions = parsed['stream_options'];
  return {
    request: {
      promptTokens: countTokens(typeof prompt === 'string' ? prompt : JSON.stringify(prompt)),
      maxTokens: typeof limit === 'number' && limit > 0 ? Math.floor(limit) : -1,
      ignoresEnd: parsed['ignore_eos'] === true,
      streams: parsed['stream'] === true,
      isChat,
    },
    includesUsage: isObject(streamOptions) && streamOptions['include_usage'] === true,
  };
}

/** The body as text; undefined once it is larger than any prompt of a test. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of request) {
    const chunk = Buffer.from(part);
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
}

/** Runs one generation to its end, or until the client closes the connection. */
export function generate(
  decoder: Decoder,
  { request, includesUsage }: ParsedGeneration,
  answer: Answer,
  response: ServerResponse,
): void {
  const send = (data: unknown): void => void response.write(`data: ${JSON.stringify(data)}\n\n`);
  // As llama-server does, so that a failure before the first token could still be a status: headers come with it.
  const openStream = (): void => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' });
    if (request.isChat) send(firstChunk(answer));
  };
  let text = '';
  const task = decoder.submit(request, {
    token(part) {
      if (request.streams && text === '') openStream();
      text += part;
      if (request.streams) send(tokenChunk(answer, part));
    },
    done(result) {
      if (!request.streams) {
        sendJson(response, 200, wholeBody(answer, text, result));
        return;
      }
      for (const last of lastChunks(answer, result, includesUsage)) send(last);
      response.end('data: [DONE]\n\n');
    },
  });
  response.on('close', () => decoder.cancel(task));
}

export function sendFault(response: ServerResponse, message: string): void {
  sendJson(response, 400, errorBody(400, message, 'invalid_request_error'));
}
