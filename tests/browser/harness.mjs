// Starts Chromium, and fails a test on anything that a page must not do: a violation of its content
// security policy, an error on its console, or a request to another host.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { after } from 'node:test';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const run = promisify(execFile);
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const ROOT = process.env.PORTCULLIS_URL.replace('127.0.0.1', 'localhost');
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

/** The widths that the pages are made for: a small phone and a desk. */
export const WIDTHS = [360, 1280];

let browser;
const chrome = async () => {
  browser ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--no-first-run'],
  });
  return browser;
};
after(async () => browser?.close());

/** Runs the command and returns its JSON. */
export const portcullis = async (...words) => {
  const { stdout } = await run('target/debug/portcullis', [...words, '--json']);
  return JSON.parse(stdout);
};

/** A studio: a workspace with an experience, and its members' invitations. */
export class Studio {
  static async open(name = 'Arena') {
    const { guid } = await portcullis('workspace', 'create', name);
    await portcullis('experience', 'link', '7001', '--workspace', guid);
    const key = await portcullis('key', 'create', '--name', 'bot', '--workspace', guid,
      ...['bans:read', 'bans:write', 'bans:write-global'].flatMap((scope) => ['--scope', scope]));
    return new Studio(guid, name, key.key);
  }

  constructor(guid, name, key) {
    Object.assign(this, { guid, name, key });
  }

  /** Adds a member with these permissions. */
  async member(name, ...permissions) {
    const words = permissions.flatMap((permission) => ['--permission', permission]);
    return portcullis('member', 'add', name, ...words, '--workspace', this.guid);
  }

  /** A new link with which the member signs in. */
  async invitation(name) {
    const { link } = await portcullis('member', 'invite', name, '--workspace', this.guid);
    return `${ROOT}${new URL(link).pathname}`;
  }

  /** A call of the API by a bot of the studio. */
  async call(path, body) {
    const answer = await fetch(`${ROOT}/api/v1${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${this.key}`, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    assert.equal(answer.status, 200, await answer.clone().text());
    return answer.json();
  }

  /** Bans a user as a bot. */
  async ban(userId, terms = {}) {
    return this.call('/ban-async', {
      overwrite: false, userId, experienceId: 7001, banModerator: 1, banType: 'Experience', banLengthType: 'Permanent',
      banPrivateReason: 'private', banPublicReason: 'Spam', ...terms,
    });
  }

  /** Whether a game server lets the user in. */
  async isBanned(userId) {
    return (await this.call('/is-banned', { userId, experienceId: 7001 })).isBanned;
  }

  /** A page in a browser in which the member is signed in. */
  async signedIn(name, options) {
    const page = await openPage(options);
    await page.goto(await this.invitation(name));
    await page.getByTestId('sign-in').click();
    await page.waitForURL(/\/console\/bans/);
    return page;
  }
}

/** An empty page in a browser of its own; `close` also fails on what a page must not do. */
export const openPage = async (options = {}) => {
  const { width = 1280, height = 800, ...rest } = options;
  const context = await (await chrome()).newContext({
    baseURL: ROOT, viewport: { width, height }, reducedMotion: 'reduce', locale: 'en-GB', timezoneId: 'UTC', ...rest,
  });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const faults = [];
  const allowed = new Set();
  page.on('console', (line) => {
    // Chromium reports the status of a page that the test itself opens, such as a form sent back with 422.
    const isStatus = line.text().startsWith('Failed to load resource: the server responded with a status of 4');
    if (['error', 'warning'].includes(line.type()) && !isStatus) faults.push(`console: ${line.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    const isOwn = url.origin === ROOT || ['data:', 'blob:'].includes(url.protocol);
    if (!isOwn && !allowed.has(url.origin)) faults.push(`request to ${url.origin}`);
  });
  return Object.assign(page, {
    allow: (origin) => allowed.add(origin),
    finish: async () => {
      await context.close();
      assert.deepEqual(faults, []);
    },
  });
};

/** Fails on serious findings of axe, and if the page is wider than its window. */
export const assertAccessible = async (page, what) => {
  // By the protocol, which the page's policy does not restrict.
  const session = await page.context().newCDPSession(page);
  const { readFile } = await import('node:fs/promises');
  const evaluate = async (expression, awaitPromise = false) => {
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', { expression, awaitPromise, returnByValue: true });
    assert.equal(exceptionDetails, undefined, JSON.stringify(exceptionDetails));
    return result.value;
  };
  await evaluate(`${await readFile(AXE, 'utf8')}; 0`);
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const found = await evaluate(`axe.run(document, { runOnly: ${JSON.stringify(tags)} }).then((found) => found.violations
    .map(({ id, impact, nodes }) => ({ id, impact, where: nodes.map((node) => node.target.join(' ')).slice(0, 5) })))`, true);
  const serious = found.filter(({ impact }) => ['serious', 'critical'].includes(impact));
  assert.deepEqual(serious, [], `${what}: ${JSON.stringify(serious)}`);
  const [content, window] = await evaluate('[document.documentElement.scrollWidth, document.documentElement.clientWidth]');
  assert.ok(content <= window, `${what}: ${content} px wide in a window of ${window} px`);
  await session.detach();
};
