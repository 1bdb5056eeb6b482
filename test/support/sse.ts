/** Owns reading the `data:` lines of a whole server-sent event stream, as OpenAI's protocol uses them. */

/** The JSON of each event, in order. @throws if the stream does not end with `[DONE]`. */
export function sseData(text: string): unknown[] {
  const data = text.split('\n\n').filter((event) => event !== '');
  const payloads = data.map((event) => event.replace(/^data: /, ''));
  if (payloads.pop() !== '[DONE]') throw new Error(`the stream does not end with [DONE]: ${text}`);
  return payloads.map((payload): unknown => JSON.parse(payload));
}
