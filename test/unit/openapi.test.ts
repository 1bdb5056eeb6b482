// The description of the API: every route of the app is in it and nothing else, foreign validators take it, and the page
// shows all of it under a strict policy.

import asyncApiSpecs from '@asyncapi/specs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { EVENT_KINDS, payloadSchemaOf } from '../../contract/events.ts';
import { openApi, templateOf } from '../../worker/openapi/document.ts';
import { asyncApi } from '../../worker/openapi/events.ts';
import { docsPage } from '../../worker/openapi/page.ts';
import { ROUTES } from '../../worker/openapi/routes.ts';

type App = {
  routes: { method: string; path: string }[];
  request: (path: string, init: RequestInit) => Response | Promise<Response>;
};

/** Not a literal: the worker is type-checked with the types of its own platform. */
const APP = new URL('../../worker/app.ts', import.meta.url).href;
const { app }: { app: App } = await import(APP);

const api = openApi('1.2.3');
const events = asyncApi('1.2.3');

/** As it is read: what is undefined is not there. */
function asRead(document: object): object {
  return Object(JSON.parse(JSON.stringify(document)));
}

describe('routes', () => {
  const described = ROUTES.flatMap(({ method, path, alias }) =>
    [path, alias].flatMap((each) => (each === undefined ? [] : [`${method} ${each}`])),
  );

  test('each route of the app is in worker/openapi/routes.ts, and each there is a route of the app', () => {
    const served = app.routes
      // Middleware, and the refusals of other methods.
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path}`)
      .filter((route) => !REFUSALS.has(route) && !FILES.has(route));
    expect(described.toSorted()).toEqual([...new Set(served)].toSorted());
  });

  /** Files of the pages: nothing that a program asks for. */
  const FILES = new Set(['GET /', 'GET /assets/:file', 'GET /docs.css', 'GET /docs.js']);

  /** Single methods of a path that are routed for their refusal alone. */
  const REFUSALS = new Set(['GET', 'PUT', 'PATCH'].map((method) => `${method} /nodes/enroll`));

  test('what is left out of the table is refused', async () => {
    for (const route of REFUSALS) {
      const [method = '', path = ''] = route.split(' ');
      expect((await app.request(path, { method })).status).toBe(405);
    }
  });

  test('every path refuses what its table does not name', () => {
    const refusing = app.routes.filter(({ method }) => method === 'ALL').map(({ path }) => path);
    const paths = new Set(described.map((route) => route.split(' ')[1] ?? ''));
    paths.delete('/nodes/enroll');
    for (const path of paths) expect(refusing).toContain(path);
  });

  test('each has a name of its own', () => {
    expect(new Set(ROUTES.map(({ id }) => id)).size).toBe(ROUTES.length);
  });
});

test('a foreign validator takes the document for OpenAPI 3.1', async () => {
  const validator = new Validator();
  const result = await validator.validate({ ...asRead(api) });
  expect(result).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
});

test("AsyncAPI's own schema takes the document of the events", () => {
  const ajv = new Ajv({
    strict: false,
    allErrors: true,
    validateFormats: false,
    meta: false,
    validateSchema: false,
  });
  const isValid = ajv.validate(asRead(asyncApiSpecs.schemas['3.0.0']), asRead(events));
  expect(ajv.errors).toBeNull();
  expect(isValid).toBe(true);
});

test('each kind of event is described, or named as reserved', () => {
  const made = EVENT_KINDS.filter((kind) => payloadSchemaOf(kind) !== undefined);
  expect(Object.keys(events.components.messages)).toEqual(made);
  expect([...made, ...events['x-reserved-kinds']].toSorted()).toEqual([...EVENT_KINDS].toSorted());
});

test('every reference leads somewhere', () => {
  for (const document of [api, events]) {
    const names = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(
      ([, name]) => name,
    );
    for (const name of names) expect(document.components.schemas).toHaveProperty([name ?? '']);
  }
});

describe('the page', () => {
  const page = docsPage(api, events);

  test('shows each operation, each kind of event and each schema, and links to nothing else', () => {
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id ?? '');
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id, path } of ROUTES) {
      expect(ids).toContain(id);
      expect(page).toContain(templateOf(path));
    }
    for (const kind of Object.keys(events.components.messages)) expect(ids).toContain(`event-${kind}`);
    for (const name of Object.keys(api.components.schemas)) expect(ids).toContain(`schema-${name}`);
    for (const [, target = ''] of page.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target);
  });

  test('has no script, style or handler in itself, and asks no other origin', () => {
    expect(page).toContain('Content-Security-Policy');
    expect(page).not.toMatch(
      /<style|style="|<script(?! src="docs\.js" defer><\/script>)| on\w+="|https?:\/\//,
    );
  });

  test('says what descriptions say, and not as markup', () => {
    expect(page).toContain('&lt;node&gt;/&lt;runtime&gt;');
    expect(page).not.toMatch(/\[object|undefined|<node>/);
  });
});
