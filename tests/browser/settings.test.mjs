// What an administrator sets up: a member with a link to sign in, a key that is shown once, a reason.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Studio, openPage } from './harness.mjs';

for (const javaScriptEnabled of [true, false]) {
  test(`administrator sets up a workspace ${javaScriptEnabled ? 'with' : 'without'} script`, async () => {
    const studio = await Studio.open();
    await studio.member('Ada', 'administrator');
    const page = await studio.signedIn('Ada', { javaScriptEnabled });
    await page.goto('/console/settings/members');
    await page.getByLabel('Name').fill('Kim');
    await page.getByLabel('Bans in experiences').check();
    await page.getByTestId('add-member').click();
    await page.getByRole('link', { name: 'Kim' }).click();
    await page.getByTestId('invite').click();
    const link = await page.getByTestId('invitation').locator('code').textContent();
    const kim = await openPage({ javaScriptEnabled });
    await kim.goto(link);
    await kim.getByTestId('sign-in').click();
    await kim.waitForURL(/\/console\/bans/);
    await kim.finish();

    await page.goto('/console/settings/keys');
    await page.getByLabel('Name').fill('Game servers');
    await page.getByTestId('create-key').click();
    assert.match(await page.getByTestId('new-key').locator('code').textContent(), /^sentinelAPI\./);
    await page.getByRole('link', { name: 'Revoke the key Game servers' }).click();
    await page.getByLabel('Type Game servers to confirm').fill('Game servers');
    await page.getByTestId('revoke').click();
    assert.match(await page.getByTestId('result').textContent(), /is revoked/);

    await page.goto('/console/settings/presets');
    await page.getByLabel('Name').fill('Spam');
    await page.getByLabel('Public reason').fill('Spam in the chat');
    await page.getByTestId('save-preset').click();
    await page.getByRole('button', { name: 'Remove the reason Spam' }).click();
    await page.getByTestId('undo').click();
    await page.getByTestId('preset').waitFor();
    await page.finish();
  });
}
