// Owns the page that people read under `/docs`: the two documents as plain HTML, made when the project is built. Its style
// and its search are files of the hub's own origin, so that it works under the strictest policy; without its search it
// is still whole.

import type { ApiResponse, OpenApi, Operation, Parameter } from './document.ts';
import type { AsyncApi, Message } from './events.ts';
import { html, NOTHING, words, type Html } from './html.ts';
import { schemaHtml } from './schema-html.ts';

const POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'";

export function docsPage(api: OpenApi, events: AsyncApi): string {
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  const byTag = api.tags.map(({ name, description }) => ({
    name,
    description,
    operations: operations.filter(({ operation }) => operation.tags[0] === name),
  }));
  const messages = Object.values(events.components.messages);
  const schemas = Object.entries(api.components.schemas);
  return `<!doctype html>\n${
    html`<html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="color-scheme" content="light dark" />
        <title>API of Runtime Matrix</title>
        <link rel="stylesheet" href="docs.css" />
        <script src="docs.js" defer></script>
      </head>
      <body>
        <a class="skip" href="#content">To the content</a>
        <header>
          <h1>API of Runtime Matrix ${String(api.info['version'])}</h1>
          <p>${words(String(api.info['description']))}</p>
          <p>
            For programs: <a href="openapi.json">openapi.json</a> (OpenAPI ${api.openapi}),
            <a href="asyncapi.json">asyncapi.json</a> (AsyncAPI ${events.asyncapi}).
          </p>
          <form role="search" hidden>
            <label for="search">Search</label>
            <input id="search" type="search" autocomplete="off" aria-describedby="found" />
            <output id="found" for="search"></output>
          </form>
        </header>
        <nav aria-label="Contents">
          ${byTag.map(
            (tag) =>
              html`<h2>${tag.name}</h2>
                <ul>
                  ${tag.operations.map(
                    ({ method, path, operation }) =>
                      html`<li>
                        <a href="#${operation.operationId}"
                          ><span class="method">${method}</span> <code>${path}</code></a
                        >
                      </li> `,
                  )}
                </ul> `,
          )}
          <h2>Event kinds</h2>
          <ul>
            ${messages.map(
              ({ name }) =>
                html`<li>
                  <a href="#event-${name}"><code>${name}</code></a>
                </li> `,
            )}
          </ul>
          <h2>Schemas</h2>
          <ul>
            ${schemas.map(([name]) => html`<li><a href="#schema-${name}">${name}</a></li> `)}
          </ul>
        </nav>
        <main id="content" tabindex="-1">
          ${byTag.map(
            (tag) =>
              html`<h2>${tag.name}</h2>
                <p>${words(tag.description)}</p>
                ${tag.operations.map(operationHtml)}`,
          )}
          <h2>Event kinds</h2>
          <p>${words(String(events.info['description']))}</p>
          ${messages.map(messageHtml)}
          <p>
            Reserved, and not made by this hub:
            ${words(events['x-reserved-kinds'].map((kind) => `\`${kind}\``).join(', '))}.
          </p>
          <h2>Schemas</h2>
          ${schemas.map(
            ([name, schema]) =>
              html`<section id="schema-${name}" class="entry">
                <h3>${name}</h3>
                ${schemaHtml(schema)}
              </section> `,
          )}
        </main>
      </body>
    </html> `.html
  }`.replaceAll(/\n\s+/g, '\n');
}

type Shown = { method: string; path: string; operation: Operation };

function operationHtml({ method, path, operation }: Shown): Html {
  const { operationId, summary, description, security, parameters = [], requestBody, responses } = operation;
  const who = new Set(security.flatMap((scheme) => Object.keys(scheme)));
  const by = who.has('admin') ? 'An admin token.' : who.has('node') ? "The node's own token." : 'No token.';
  return html`<section id="${operationId}" class="entry">
    <h3><span class="method">${method}</span> <code>${path}</code></h3>
    <p>${summary}. ${description === undefined ? NOTHING : words(description)}</p>
    <p class="by">${by}</p>
    ${
      parameters.length === 0
        ? NOTHING
        : html`<h4>Parameters</h4>
            <dl>${parameters.map(parameterHtml)}</dl>`
    }
    ${
      requestBody === undefined
        ? NOTHING
        : html`<h4>Body${requestBody.required ? '' : ', optional'}</h4>
            <p>${requestBody.description}</p>
            ${Object.values(requestBody.content).map(({ schema }) => schemaHtml(schema))}`
    }
    <h4>Answers</h4>
    <dl>${Object.entries(responses).map(responseHtml)}</dl>
  </section> `;
}

function parameterHtml({ name, in: place, description, schema }: Parameter): Html {
  return html`<dt><code>${name}</code> <span class="optional">${place}</span></dt>
    <dd>${words(description)} ${schemaHtml(schema)}</dd> `;
}

function responseHtml([status, { description, content = {}, headers = {} }]: [string, ApiResponse]): Html {
  const isProblem = 'application/problem+json' in content;
  return html`<dt><code>${status}</code></dt>
    <dd>
      ${words(description)}${Object.keys(headers).map((name) => html` <span class="limits">header <code>${name}</code></span>`)}
      ${
        isProblem
          ? NOTHING
          : Object.entries(content).map(
              ([type, { schema }]) =>
                html`<p class="limits">${type}</p>
                  ${schemaHtml(schema)}`,
            )
      }
    </dd> `;
}

function messageHtml({ name, summary, description, payload }: Message): Html {
  const inside = payload.properties?.['payload'];
  return html`<section id="event-${name}" class="entry">
    <h3><code>${name}</code></h3>
    <p>${words(summary)}. ${description}</p>
    <h4>Payload</h4>
    ${typeof inside === 'object' ? schemaHtml(inside) : NOTHING}
  </section> `;
}
