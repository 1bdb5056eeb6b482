// Owns the shell: the header, navigation, and which view the address names.

import { useSignalEffect } from '@preact/signals';
import { route } from './model/location.ts';
import { hashOf, VIEWS, type ViewName } from './view-model/route.ts';

const TITLES: Record<ViewName, string> = { grid: 'Grid', nodes: 'Nodes', events: 'Events' };

export function App() {
  useSignalEffect(() => {
    document.title = `${TITLES[route.value.view]} · Runtime Matrix`;
  });
  return (
    <>
      <header class="top">
        <Navigation />
      </header>
      <main id="main" tabIndex={-1}>
        <View />
      </main>
    </>
  );
}

function Navigation() {
  const { view } = route.value;
  return (
    <nav aria-label="Views">
      {VIEWS.map((name) => (
        <a key={name} href={hashOf({ view: name, parameters: {} })} aria-current={name === view && 'page'}>
          {TITLES[name]}
        </a>
      ))}
    </nav>
  );
}

function View() {
  const { view } = route.value;
  return <h1>{TITLES[view]}</h1>;
}
