// Evidence on a player's page: a picture is hashed, uploaded, shown, removed and restored.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Studio } from './harness.mjs';

// A picture of one pixel.
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

/** Opens the player's page, from which alone the bucket may be used. */
const open = async (page) => {
  const answer = await page.goto('/console/players/156');
  const policy = answer.headers()['content-security-policy'];
  page.allow(/img-src 'self' ([^;]+)/.exec(policy)[1]);
};

test('picture is uploaded, shown, removed and restored', async () => {
  const studio = await Studio.open();
  await studio.ban(156);
  await studio.member('Ada', 'manage_bans');
  const page = await studio.signedIn('Ada');
  await open(page);
  await page.getByText('Add evidence').click();
  await page.locator('#file').setInputFiles({ name: 'clip 1.png', mimeType: 'image/png', buffer: PNG });
  await page.getByTestId('evidence-result').waitFor();
  const picture = page.getByRole('img', { name: 'Picture: clip 1.png' });
  await picture.scrollIntoViewIfNeeded();
  await page.waitForFunction(() => document.querySelector('.piece img')?.naturalWidth === 1);

  await page.getByTestId('piece').getByTestId('remove').click();
  await page.getByTestId('restore').click();
  await picture.waitFor();
  await page.finish();
});

test('file that spans several pieces has the right hash', async () => {
  const studio = await Studio.open();
  await studio.ban(156);
  await studio.member('Ada', 'manage_bans');
  const page = await studio.signedIn('Ada');
  await open(page);
  await page.getByText('Add evidence').click();
  // S3 refuses bytes whose hash is another one.
  for (const bytes of [2 ** 20, 2 ** 21 + 55]) {
    const buffer = Buffer.alloc(bytes, 'evidence ');
    await page.locator('#file').setInputFiles({ name: `${bytes}.txt`, mimeType: 'text/plain', buffer });
    await page.getByRole('heading', { name: `${bytes}.txt` }).waitFor();
    await page.getByText('Add evidence').click();
  }
  await page.finish();
});

test('wrong file is refused in words', async () => {
  const studio = await Studio.open();
  await studio.ban(156);
  await studio.member('Ada', 'manage_bans');
  const page = await studio.signedIn('Ada');
  await open(page);
  await page.getByText('Add evidence').click();
  await page.locator('#file').setInputFiles({ name: 'a.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg/>') });
  await page.getByText('is not accepted').waitFor();
  await page.finish();
});

for (const javaScriptEnabled of [true, false]) {
  test(`link is added ${javaScriptEnabled ? 'with' : 'without'} script`, async () => {
    const studio = await Studio.open();
    await studio.ban(156);
    await studio.member('Ada', 'manage_bans');
    const page = await studio.signedIn('Ada', { javaScriptEnabled });
    await open(page);
    await page.getByText('Add evidence').click();
    await page.getByLabel('Link or text').fill('https://example.com/clip');
    await page.getByTestId('add-evidence').click();
    const link = page.getByRole('link', { name: 'https://example.com/clip' });
    assert.equal(await link.getAttribute('rel'), 'noopener noreferrer nofollow');
    await page.finish();
  });
}
