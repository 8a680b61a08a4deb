// Many players at once, with and without script, and the undo of a period.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Studio, WIDTHS, assertAccessible } from './harness.mjs';

const ids = (count) => Array.from({ length: count }, (_, at) => 5000 + at).join('\n');

for (const javaScriptEnabled of [true, false]) {
  test(`run over many players continues ${javaScriptEnabled ? 'by itself' : 'with a button'}`, async () => {
    const studio = await Studio.open();
    await studio.member('Ada', 'manage_bans');
    await studio.ban(5000);
    const page = await studio.signedIn('Ada', { javaScriptEnabled });
    await page.goto('/console/many');
    await page.getByLabel('Players', { exact: true }).fill(`${ids(121)}\n5001 nobody!`);
    await page.getByLabel('Public reason').fill('Raid');
    await page.getByTestId('preview').click();
    assert.match(await page.getByTestId('consequence').textContent(), /^120 players will be banned/);
    await page.getByLabel('Type 120 to confirm').fill('12');
    await page.getByTestId('run').click();
    await page.getByTestId('confirm-error').waitFor();
    await page.getByLabel('Type 120 to confirm').fill('120');
    await page.getByTestId('run').click();
    if (!javaScriptEnabled) await page.getByTestId('continue').click();
    await page.getByRole('heading', { name: '120 players banned' }).waitFor();
    assert.equal(await page.getByTestId('result-row').count(), 120);
    assert.equal(await studio.isBanned(5120), true);

    await page.getByText('Undo this run').click();
    await page.getByLabel('Type 120 to confirm').fill('120');
    await page.getByTestId('undo-run').click();
    if (!javaScriptEnabled) await page.getByTestId('continue').click();
    await page.getByRole('heading', { name: 'The run is undone' }).waitFor();
    assert.equal(await studio.isBanned(5120), false);
    assert.equal(await studio.isBanned(5000), true);
    await page.finish();
  });
}

for (const colorScheme of ['light', 'dark']) {
  for (const width of WIDTHS) {
    test(`previews and results are accessible in ${colorScheme} at ${width} px`, async () => {
      const studio = await Studio.open();
      await studio.member('Ada', 'administrator');
      await studio.ban(5000);
      const page = await studio.signedIn('Ada', { colorScheme, width });
      await page.goto('/console/many');
      await page.getByTestId('preview').click();
      await page.getByTestId('users-error').waitFor();
      await assertAccessible(page, 'form with errors');
      await page.getByLabel('Players', { exact: true }).fill('5000 5001 5002 5002 nobody!');
      await page.getByLabel('Public reason').fill('Raid');
      await page.getByTestId('preview').click();
      await assertAccessible(page, 'preview');
      await page.getByLabel('Type 2 to confirm').fill('2');
      await page.getByTestId('run').click();
      await page.getByRole('heading', { name: '2 players banned' }).waitFor();
      await assertAccessible(page, 'results');

      await page.goto('/console/undo');
      await page.getByLabel('Whose decisions').selectOption({ label: 'Ada' });
      await page.getByTestId('preview').click();
      await page.getByTestId('would').first().waitFor();
      await assertAccessible(page, 'preview of an undo');
      await page.getByLabel('Type 2 to confirm').fill('2');
      await page.getByTestId('undo-all').click();
      await page.getByRole('link', { name: 'Reverse this undo' }).waitFor();
      assert.equal(await studio.isBanned(5001), false);
      await page.finish();
    });
  }
}
