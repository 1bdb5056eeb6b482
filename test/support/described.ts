// Owns the judgement whether what the hub really answers is what its description says: the status, the media type, and
// every member of the body. Members that are not described count as drift here, whatever readers have to put up with.

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Event } from '../../contract/events.ts';
import { openApi, templateOf } from '../../worker/openapi/document.ts';
import { asyncApi } from '../../worker/openapi/events.ts';
import { ROUTES, type Route } from '../../worker/openapi/routes.ts';
import type { Hub, Sent } from './hub.ts';

export class Described {
  /** `readMatrix 200` */
  readonly seen = new Set<string>();
  readonly seenKinds = new Set<string>();
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });

  constructor() {
    this.#ajv.addSchema({ $id: 'api', ...closed(openApi('test')) });
    this.#ajv.addSchema({ $id: 'events', ...closed(asyncApi('test')) });
  }

  /** Asks, and throws where the answer is not as described. */
  async ask(hub: Hub, path: string, sent: Sent = {}): Promise<Response> {
    const answer = await hub.ask(path, sent);
    await this.check(sent.method ?? 'GET', path, answer.clone());
    return answer;
  }

  async check(method: string, path: string, answer: Response): Promise<void> {
    const route = routeOf(method, path);
    const where = `${method} ${path} ${answer.status}`;
    const place = `/paths/${escaped(templateOf(route.path))}/${method.toLowerCase()}/responses/${answer.status}`;
    const type = answer.headers.get('content-type')?.split(';')[0];
    if (type === undefined) this.#validator('api', place, where);
    else {
      const validate = this.#validator('api', `${place}/content/${escaped(type)}/schema`, where);
      // Only the head of a stream is judged: its events are judged one by one.
      if (type === 'text/event-stream') void answer.body?.cancel();
      else fits(validate, type.endsWith('json') ? await answer.json() : await answer.text(), where);
    }
    this.seen.add(`${route.id} ${answer.status}`);
  }

  /** An upgrade that was accepted: what carries it has no body to judge. */
  upgraded(path: string): void {
    const route = routeOf('GET', path);
    if (!(101 in route.answers)) throw new Error(`GET ${path} is not described as an upgrade`);
    this.seen.add(`${route.id} 101`);
  }

  heard(event: Event): void {
    const where = `an event ${event.kind}`;
    fits(this.#validator('events', `/components/messages/${event.kind}/payload`, where), event, where);
    this.seenKinds.add(event.kind);
  }

  #validator(document: 'api' | 'events', pointer: string, where: string): ValidateFunction {
    const validate = this.#ajv.getSchema(`${document}#${pointer}`);
    if (validate === undefined) throw new Error(`${where}: nothing is described at ${pointer}`);
    return validate;
  }
}

function routeOf(method: string, path: string): Route {
  const asked = path.split('?')[0] ?? '';
  // A fixed word goes before a parameter, as in the app.
  const fitting = ROUTES.filter((route) => route.method === method)
    .flatMap((route) => [route.path, route.alias].map((template) => ({ route, template })))
    .filter(({ template }) => template !== undefined && pattern(template).test(asked))
    .toSorted((a, b) => (a.template?.split(':').length ?? 0) - (b.template?.split(':').length ?? 0));
  const route = fitting[0]?.route;
  if (route === undefined) throw new Error(`${method} ${asked} is not described in worker/openapi/routes.ts`);
  return route;
}

function pattern(template: string): RegExp {
  return new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`);
}

/** For a JSON pointer within a URI. */
function escaped(segment: string): string {
  return encodeURIComponent(segment.replaceAll('~', '~0').replaceAll('/', '~1'));
}

function fits(validate: ValidateFunction, value: unknown, where: string): void {
  if (validate(value)) return;
  const reasons = (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
  throw new Error(`${where} is not as described: ${reasons.join('; ')}\n${JSON.stringify(value, null, 1)}`);
}

/** No object has members that are not described, but for problem documents, whose extensions are open. */
function closed(value: object): object {
  return Object.fromEntries(
    Object.entries(JSON.parse(JSON.stringify(value))).map(([key, inner]) => [key, shut(inner, key)]),
  );
}

function shut(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value.map((inner) => shut(inner, key));
  if (typeof value !== 'object' || value === null || key === 'Problem' || key === 'allOf') return value;
  const inner = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shut(member, name)]));
  const isObject = inner['type'] === 'object' && 'properties' in inner && !('additionalProperties' in inner);
  return isObject ? { ...inner, additionalProperties: false } : inner;
}
