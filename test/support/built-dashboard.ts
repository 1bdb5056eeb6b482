// Owns that the dashboard is built before any hub of a test: hubs that start beside each other would all build it.

import { freshDashboard } from '../../selfhost/build-dashboard.ts';

export default async function setup(): Promise<void> {
  await freshDashboard();
}
