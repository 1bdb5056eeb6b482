/**
 * A program that stands in for a llava server and runs no model: `/health`, and `/describe`, which takes a PNG in base64
 * and says what its header tells. `--port PORT --load-ms MS`. Everything it serves says `stub`.
 */
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import * as v from 'valibot';

const { values } = parseArgs({
  options: { port: { type: 'string' }, 'load-ms': { type: 'string', default: '0' } },
});

const BodySchema = v.pipe(v.string(), v.parseJson(), v.object({ image: v.pipe(v.string(), v.base64()) }));
const PNG_SIGNATURE = '89504e470d0a1a0a';
const PNG_HEADER_BYTES = 24;

let isLoaded = false;

const server = createServer((request, response) => {
  const send = (status: number, body: object): void => {
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  };
  const route = `${request.method} ${request.url}`;
  if (!isLoaded) return send(503, { error: 'Loading model' });
  if (route === 'GET /health') return send(200, { status: 'ok', engine: 'stub' });
  if (route !== 'POST /describe') return send(404, { error: 'GET /health, or POST /describe' });
  text(request).then(
    (body) => {
      const described = describe(body);
      send('error' in described ? 400 : 200, described);
    },
    // A client that goes away while it sends its picture.
    () => response.destroy(),
  );
});

function describe(body: string): { description: string; model: string; pid: number } | { error: string } {
  const parsed = v.safeParse(BodySchema, body);
  if (!parsed.success) return { error: 'send {"image": "<a PNG in base64>"}' };
  const image = Buffer.from(parsed.output.image, 'base64');
  if (image.length < PNG_HEADER_BYTES || image.toString('hex', 0, 8) !== PNG_SIGNATURE) {
    return { error: 'the image is no PNG' };
  }
  const [width, height] = [image.readUInt32BE(16), image.readUInt32BE(20)];
  const description = `stub: a PNG of ${width} by ${height} pixels; no model looked at it`;
  return { description, model: 'stub:llava', pid: process.pid };
}

process.once('SIGTERM', () => process.exit(0));
process.once('SIGINT', () => process.exit(0));
server.listen(Number(values.port), '127.0.0.1', () => {
  process.stderr.write(`stub llava: loading; it runs no model\n`);
  setTimeout(() => {
    isLoaded = true;
    process.stderr.write(`stub llava: listening on 127.0.0.1:${values.port}\n`);
  }, Number(values['load-ms']));
});
