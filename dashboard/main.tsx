// Owns the entry of the page: the app in its place.

import { render } from 'preact';
import { App } from './app.tsx';

const place = document.getElementById('app');
if (place === null) throw new Error('index.html has no #app');
render(<App />, place);
