// Owns how an address names what is shown: after the `#`, so that the hub serves one page and keeps its paths.

export const VIEWS = ['grid', 'nodes', 'events', 'alerts'] as const;
export type ViewName = (typeof VIEWS)[number];

export type Route = {
  view: ViewName;
  /** The one that is looked at closely: of `nodes` a node, of `alerts` an alert. */
  id?: string;
  /** What else a link keeps: `q` the words of a search, `logs` whose log is open. */
  parameters: Readonly<Record<string, string>>;
};

/** @param hash `#/nodes/gpu-01?q=llama`. What names nothing is the grid: an old link must still lead somewhere. */
export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split('?', 2);
  const [name, ...rest] = path.split('/');
  const parameters = Object.fromEntries(new URLSearchParams(query));
  const view = VIEWS.find((known) => known === name);
  if (view === undefined) return { view: 'grid', parameters };
  const id = decoded(rest.join('/'));
  return id === '' ? { view, parameters } : { view, id, parameters };
}

/** What `parseRoute` reads back. */
export function hashOf({ view, id, parameters }: Route): string {
  const kept = Object.entries(parameters).filter(([, value]) => value !== '');
  const query = new URLSearchParams(kept).toString();
  return `#/${view}${id === undefined ? '' : `/${encodeURIComponent(id)}`}${query === '' ? '' : `?${query}`}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not encoded by us: taken as it is, and it names nothing.
    return text;
  }
}
