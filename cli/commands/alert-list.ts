// Owns `arw-cli alert list` and `arw-cli alert show`.

import { AlertSchema, AlertsSchema, type Alert, type Alerts } from '../../contract/alerts.ts';
import { askHub, expectBody, type Hub } from '../hub-client.ts';
import { renderAlert, renderAlerts } from '../render/alerts.ts';
import { show, type ShowOptions, type View } from './show.ts';

const LIST: View<Alerts> = {
  load: async (hub) => expectBody(hub, await askHub(hub, 'GET', 'alerts'), AlertsSchema),
  render: ({ alerts }, columns) => renderAlerts(alerts, columns),
};

const one = (id: string): View<Alert> => ({
  load: async (hub) => expectBody(hub, await askHub(hub, 'GET', alertPath(id)), AlertSchema),
  render: renderAlert,
});

export async function alertList(hub: Hub, options: ShowOptions): Promise<void> {
  await show(hub, LIST, options);
}

export async function alertShow(hub: Hub, id: string, options: ShowOptions): Promise<void> {
  await show(hub, one(id), options);
}

export function alertPath(id: string): string {
  return `alerts/${encodeURIComponent(id)}`;
}
