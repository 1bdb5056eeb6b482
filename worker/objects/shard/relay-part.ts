// Owns how a part of a relayed answer is taken that its node uploads: held until the part is over or its relay is, since
// a body ends with its request.

import { problem } from '../../../contract/problem.ts';
import { problemResponse } from '../../problem-response.ts';
import type { ShardParts } from './parts.ts';

export async function takePart(
  parts: ShardParts,
  { node, stream }: { node: string; stream: string },
  body: ReadableStream<Uint8Array> | null,
): Promise<Response> {
  const over = body === null ? undefined : parts.relays.offer(node, Number(stream), body);
  if (over === undefined) {
    const detail = `Nobody waits for answer ${stream} of node "${node}", or another part of it is being read`;
    return problemResponse(problem('unknown-relay', detail));
  }
  await over;
  return new Response(null, { status: 204 });
}
