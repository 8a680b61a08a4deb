// Signing in with the fake Discord, whose page has a button for each of its users.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Studio, assertAccessible, openPage, portcullis } from './harness.mjs';

// The guild of the fake Discord, the role of its moderators, and one of them.
const ROLE = '613425648685547541/613425648685547601';
const ADA = '80351110224678913';

const open = async (name) => {
  const studio = await Studio.open(name);
  await portcullis('permission', 'grant', 'manage_bans', '--discord-role', ROLE, '--workspace', studio.guid);
  return studio;
};

/** Presses the button at the console, then one on Discord's page. */
const signIn = async (page, button) => {
  await page.goto('/console/sign-in');
  const way = page.getByTestId('discord');
  const there = await fetch(new URL(await way.getAttribute('href'), page.url()), { redirect: 'manual' });
  page.allow(new URL(there.headers.get('location')).origin);
  await way.click();
  await page.getByTestId(button).click();
};

const assertIsAda = async (page) => {
  await page.waitForURL(/\/console\/bans/);
  assert.match(await page.textContent('header'), /Ada/);
  await page.finish();
};

test('moderator refuses at Discord, then signs in, without script', async () => {
  await open('Arena');
  const page = await openPage({ javaScriptEnabled: false });
  await signIn(page, '');
  await page.getByRole('heading', { name: 'You are not signed in' }).waitFor();
  await signIn(page, ADA);
  await assertIsAda(page);
});

test('moderator of several workspaces chooses one', async () => {
  await open('Second arena');
  const page = await openPage();
  await signIn(page, ADA);
  await page.getByRole('heading', { name: 'Choose a workspace' }).waitFor();
  await assertAccessible(page, 'the choice of a workspace');
  await page.getByRole('button', { name: 'Second arena' }).click();
  await assertIsAda(page);
});
