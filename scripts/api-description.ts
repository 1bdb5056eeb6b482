// Owns where the description of the API goes: the documents and the page, as static files.

import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import packageJson from '../package.json' with { type: 'json' };
import { openApi } from '../worker/openapi/document.ts';
import { asyncApi } from '../worker/openapi/events.ts';
import { docsPage } from '../worker/openapi/page.ts';

export async function writeApiDescription(folder: string): Promise<void> {
  const api = openApi(packageJson.version);
  const events = asyncApi(packageJson.version);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'openapi.json'), JSON.stringify(api));
  await writeFile(join(folder, 'asyncapi.json'), JSON.stringify(events));
  await writeFile(join(folder, 'docs.html'), docsPage(api, events));
  for (const file of ['docs.css', 'docs.js']) {
    await copyFile(fileURLToPath(new URL(`../worker/openapi/${file}`, import.meta.url)), join(folder, file));
  }
}
