// Each screen in both themes, on a phone and at a desk: readable, accessible, and as wide as its window.
import { test } from 'node:test';
import { Studio, WIDTHS, assertAccessible } from './harness.mjs';
import { SCREENS, fill } from './screens.mjs';

for (const colorScheme of ['light', 'dark']) {
  for (const width of WIDTHS) {
    test(`screens are accessible in ${colorScheme} at ${width} px`, async () => {
      const studio = await fill(await Studio.open());
      const page = await studio.signedIn('Ada', { colorScheme, width });
      for (const [name, path] of Object.entries(SCREENS)) {
        await page.goto(path);
        await assertAccessible(page, name);
      }
      await page.finish();
    });
  }
}
