// Owns the entry of the page: the way in, the connection, and the app in its place.

import { render } from 'preact';
import { App } from './app.tsx';
import { followHub } from './connection/live.ts';
import { findSession, session, signIn, tokenOfAddress } from './connection/session.ts';
import { keepViews } from './model/views.ts';

/** Until the hub has said whether there is a session. */
const AGAIN_MS = 2000;

const place = document.getElementById('app');
if (place === null) throw new Error('index.html has no #app');

const token = tokenOfAddress();
keepViews();
followHub();
render(<App />, place);
if (token !== undefined) await signIn(token);
addEventListener('hashchange', () => {
  const given = tokenOfAddress();
  if (given !== undefined) void signIn(given);
});
while (session.peek() === 'unknown' && (await findSession()).kind !== 'ok' && session.peek() === 'unknown') {
  await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
}
