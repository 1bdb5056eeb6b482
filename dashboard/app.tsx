// Owns the shell: the header, and which view the address names.

import { useLayoutEffect } from 'preact/hooks';
import { ActionTray } from './components/action-tray.tsx';
import { Alerts } from './components/alerts.tsx';
import { ConnectionNotice } from './components/connection-pill.tsx';
import { EventList } from './components/event-list.tsx';
import { GridView } from './components/grid-view.tsx';
import { Header, TITLES } from './components/header.tsx';
import { LogDrawer } from './components/log-drawer.tsx';
import { NodePage } from './components/node-page.tsx';
import { Nodes } from './components/nodes.tsx';
import { SignIn } from './components/sign-in.tsx';
import { session } from './connection/session.ts';
import { route } from './model/location.ts';
import type { Route } from './view-model/route.ts';

export function App() {
  const { view, id } = route.value;
  // With what is drawn: a view that has the name of the one before for a frame is told by that name.
  useLayoutEffect(() => {
    document.title = `${id ?? TITLES[view]} · Runtime Matrix`;
  }, [view, id]);
  if (session.value === 'none') return <SignIn />;
  return (
    <>
      <Header />
      <main id="main" tabIndex={-1}>
        <ConnectionNotice />
        <View route={route.value} />
      </main>
      <LogDrawer />
      <ActionTray />
    </>
  );
}

function View({ route: { view, id } }: { route: Route }) {
  switch (view) {
    case 'nodes':
      return id === undefined ? <Nodes /> : <NodePage key={id} name={id} />;
    case 'grid':
      return <GridView />;
    case 'events':
      return <EventList />;
    case 'alerts':
      return <Alerts chosen={id} />;
    default:
      return view satisfies never;
  }
}
