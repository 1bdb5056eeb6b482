// Owns `node scripts/dashboard.ts`: the dashboard as wrangler deploys it, built where it is not up to date.

import { freshDashboard } from '../selfhost/build-dashboard.ts';

process.stdout.write(`dashboard ${await freshDashboard()}\n`);
