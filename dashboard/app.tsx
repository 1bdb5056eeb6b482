// Owns the shell: the header, and which view the address names.

import { useSignalEffect } from '@preact/signals';
import { ConnectionNotice } from './components/connection-pill.tsx';
import { Header, TITLES } from './components/header.tsx';
import { NodePage } from './components/node-page.tsx';
import { Nodes } from './components/nodes.tsx';
import { SignIn } from './components/sign-in.tsx';
import { session } from './connection/session.ts';
import { route } from './model/location.ts';
import type { Route } from './view-model/route.ts';

export function App() {
  useSignalEffect(() => {
    const { view, id } = route.value;
    document.title = `${id ?? TITLES[view]} · Runtime Matrix`;
  });
  if (session.value === 'none') return <SignIn />;
  return (
    <>
      <Header />
      <main id="main" tabIndex={-1}>
        <ConnectionNotice />
        <View route={route.value} />
      </main>
    </>
  );
}

function View({ route: { view, id } }: { route: Route }) {
  switch (view) {
    case 'nodes':
      return id === undefined ? <Nodes /> : <NodePage key={id} name={id} />;
    case 'grid':
    case 'events':
      return <h1>{TITLES[view]}</h1>;
    default:
      return view satisfies never;
  }
}
