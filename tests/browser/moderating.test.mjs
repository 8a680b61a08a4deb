// What a moderator does all day: sign in, ban, edit, lift and undo.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Studio, openPage } from './harness.mjs';

/** Bans a user with the form. */
const ban = async (page, user, reason) => {
  await page.goto(`/console/ban?user=${user}`);
  await page.locator('label[for="length-7d"]').click();
  await page.getByLabel('Public reason').fill(reason);
  await page.getByTestId('submit').click();
  await page.getByTestId('result').waitFor();
};

test('invitation shows whom it is for and signs them in once', async () => {
  const studio = await Studio.open();
  await studio.member('Ada', 'manage_bans');
  const link = await studio.invitation('Ada');
  // A chat that fetches the link does not use it up.
  for (let times = 0; times < 2; times += 1) assert.equal((await fetch(link)).status, 200);
  const page = await openPage();
  await page.goto(link);
  assert.match(await page.textContent('main'), /Ada/);
  await page.getByTestId('sign-in').click();
  await page.waitForURL(/\/console\/bans/);
  await page.goto(link);
  assert.equal(await page.getByTestId('sign-in').count(), 0);
  await page.finish();
});

for (const javaScriptEnabled of [true, false]) {
  test(`moderator bans, edits, lifts and undoes ${javaScriptEnabled ? 'with' : 'without'} script`, async () => {
    const studio = await Studio.open();
    await studio.member('Ada', 'manage_bans');
    const page = await studio.signedIn('Ada', { javaScriptEnabled });
    await ban(page, 156, 'Aimbot');
    assert.equal(await studio.isBanned(156), true);

    await page.goto('/console/players/156');
    await page.getByRole('link', { name: 'Edit' }).first().click();
    await page.getByLabel('Public reason').fill('Aimbot, second time');
    await page.getByTestId('submit').click();
    await page.getByTestId('result').waitFor();
    const edited = await studio.call('/is-banned', { userId: 156, experienceId: 7001 });
    assert.equal(edited.publicReason, 'Aimbot, second time');

    await page.getByRole('link', { name: 'Lift' }).first().click();
    await page.getByTestId('submit').click();
    await page.getByTestId('lift-error').waitFor();
    await page.getByLabel('Reason').fill('Appealed in chat');
    await page.getByTestId('submit').click();
    await page.getByTestId('result').waitFor();
    assert.equal(await studio.isBanned(156), false);

    await page.getByTestId('undo').click();
    await page.getByTestId('result').waitFor();
    assert.equal(await studio.isBanned(156), true);
    const history = await page.getByTestId('history').textContent();
    assert.match(history, /Ada/);
    assert.match(history, /Appealed in chat/);
    await page.finish();
  });
}

for (const javaScriptEnabled of [true, false]) {
  test(`refused form shows what is wrong on a phone ${javaScriptEnabled ? 'with' : 'without'} script`, async () => {
    const studio = await Studio.open();
    await studio.member('Ada', 'manage_bans');
    const page = await studio.signedIn('Ada', { javaScriptEnabled, width: 360, height: 640 });
    await page.goto('/console/ban?user=156');
    await page.getByTestId('submit').click();
    const wrong = page.getByLabel('Public reason');
    await page.getByTestId('public-error').waitFor();
    await page.locator('#public_reason:focus').waitFor();
    const [{ y }, shown] = [await wrong.boundingBox(), page.viewportSize().height];
    assert.ok(y >= 0 && y < shown, `${y} of ${shown}`);
    await wrong.fill('Aimbot');
    await page.getByTestId('submit').click();
    await page.getByTestId('result').waitFor();
    await page.finish();
  });
}

test('moderator finds, bans and lifts with the keyboard alone', async () => {
  const studio = await Studio.open();
  await studio.member('Ada', 'manage_bans');
  const page = await studio.signedIn('Ada');
  const keys = async (...pressed) => {
    for (const key of pressed) await page.keyboard.press(key);
  };
  await keys('/');
  await page.keyboard.type('156');
  await keys('Enter');
  await page.waitForURL(/\/players\/156/);
  await keys('b');
  await page.waitForURL(/\/ban\?user=156/);
  await page.getByLabel('Public reason').focus();
  await page.keyboard.type('Aimbot');
  // From the reason through the rest of the form to its button.
  for (let tabs = 0; tabs < 10; tabs += 1) {
    await keys('Tab');
    if (await page.evaluate(() => document.activeElement.dataset.testid === 'submit')) break;
  }
  await keys('Enter');
  if (await page.getByTestId('length-error').count()) {
    await page.locator('#length-7d').focus();
    await keys('Space');
    await page.getByTestId('submit').focus();
    await keys('Enter');
  }
  await page.getByTestId('result').waitFor();
  assert.equal(await studio.isBanned(156), true);

  await page.goto('/console/bans');
  await keys('j', 'u');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await keys('Escape');
  assert.equal(await dialog.isVisible(), false);
  await keys('u');
  await dialog.waitFor();
  await page.keyboard.type('Wrong player');
  await keys('Tab', 'Enter');
  await page.getByTestId('result').waitFor();
  assert.equal(await studio.isBanned(156), false);
  await page.finish();
});

test('second of two moderators sees what the first one did, and loses nothing', async () => {
  const studio = await Studio.open();
  await studio.member('Ada', 'manage_bans');
  await studio.member('Bob', 'manage_bans');
  const ada = await studio.signedIn('Ada');
  const bob = await studio.signedIn('Bob');
  await ban(ada, 156, 'Aimbot');
  for (const page of [ada, bob]) {
    await page.goto('/console/players/156');
    await page.getByRole('link', { name: 'Edit' }).first().click();
  }
  await ada.getByLabel('Public reason').fill('Said by Ada');
  await ada.getByTestId('submit').click();
  await ada.getByTestId('result').waitFor();
  await bob.getByLabel('Public reason').fill('Said by Bob');
  await bob.getByTestId('submit').click();
  await bob.getByTestId('superseded').waitFor();
  const page = await bob.textContent('main');
  assert.match(page, /Ada/);
  assert.equal(await bob.getByLabel('Public reason').inputValue(), 'Said by Bob');
  const now = await studio.call('/is-banned', { userId: 156, experienceId: 7001 });
  assert.equal(now.publicReason, 'Said by Ada');
  await ada.finish();
  await bob.finish();
});

test('hostile reasons and names stay text', async () => {
  const studio = await Studio.open('<img src=x onerror=alert(1)>');
  await studio.member('"><script>alert(2)</script>', 'manage_bans');
  await studio.ban(156, { banPublicReason: '<img src=x onerror=alert(3)>', banPrivateReason: "'\"><svg onload=alert(4)>" });
  const page = await studio.signedIn('"><script>alert(2)</script>');
  page.on('dialog', (dialog) => assert.fail(dialog.message()));
  for (const path of ['/console/bans', '/console/players/156']) {
    await page.goto(path);
    assert.equal(await page.locator('main img, main svg[onload], main script').count(), 0, path);
    assert.match(await page.textContent('main'), /onerror=alert\(3\)/);
  }
  await page.finish();
});
