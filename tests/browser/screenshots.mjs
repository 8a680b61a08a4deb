// Takes the screenshots that the documentation shows.
import { mkdir } from 'node:fs/promises';
import { Studio } from './harness.mjs';
import { fill } from './screens.mjs';

const SHOTS = [
  ['bans', '/console/bans?state=all', 'light'],
  ['player', '/console/players/156', 'dark'],
  ['ban', '/console/ban?user=157', 'light'],
];

const studio = await fill(await Studio.open('Arena'));
await mkdir('docs/screenshots', { recursive: true });
for (const [name, path, colorScheme] of SHOTS) {
  const page = await studio.signedIn('Ada', { colorScheme, width: 1200, height: 760 });
  await page.goto(path);
  await page.screenshot({ path: `docs/screenshots/${name}.png` });
  await page.finish();
}
process.exit(0);
