import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBrowser } from '../support/chromium.ts';
import { eicar } from '../support/eicar.ts';
import { TestInstallation, until } from '../support/installation.ts';

const program = fileURLToPath(new URL('../../bin/holdfast.mjs', import.meta.url));
/** Where the pictures of docs/web-ui.md are written; nowhere unless it is set. */
const { HOLDFAST_TEST_IMAGES: images } = process.env;

let stack: TestInstallation;
let browser: Browser;
let webUi: string;
let runId: string;
let codecPort: number;

/** What of the run is to be looked at, by the catalog: ids of workflows, and how many ended in each way. */
let troubled: string[];
const counts = { failed: 0, quarantined: 0, held: 0 };

beforeAll(async () => {
  codecPort = await freePort();
  stack = await TestInstallation.create({
    sources: { documents: undefined },
    configure: (config) => {
      config.policy = {
        ...config.policy,
        sources: { documents: { release: { deny_names: ['*.secret'] } } },
      };
      // What is held finds no room beyond this, and fails.
      config.staging = { quota: '1MiB' };
      config.pipeline = { maxRetries: 1, retryDelay: '100ms' };
      config.codecServer = { port: codecPort };
    },
  });
  await stack.up('--no-watch');
  for (let i = 0; i < 600; i++) stack.write('documents', `folder/file-${i}`, `content ${i}`);
  for (let i = 0; i < 5; i++) stack.write('documents', `folder/${i}.secret`, `secret ${i}`);
  stack.write('documents', 'folder/large.secret', Buffer.alloc(2 * 1024 * 1024, 'not for everybody'));
  stack.write('documents', 'folder/infected.com', eicar);
  const { rows } = await stack.run('sweep', 'documents', '--wait', '--json');
  ({ runId } = rows[0] as unknown as { runId: string });
  webUi = String((await stack.service('temporal')).ui);
  const found = await stack.query<{ workflow_id: string; outcome: keyof typeof counts }>(
    `select v.workflow_id, f.outcome from file_status f join versions v on v.id = f.version_id
     where f.run_id = $1 and f.outcome in ('failed', 'quarantined', 'held')`,
    [runId],
  );
  troubled = found.map(({ workflow_id }) => workflow_id).sort();
  for (const { outcome } of found) counts[outcome] += 1;
  // Which of those that want room at the same moment finds none is nobody's business here.
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(0);
  expect(troubled).toHaveLength(7);
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await stack?.remove();
});

test('nobody who may not decrypt sees what a workflow was given; who may does, and is on record', async () => {
  const page = await browser.newPage();
  const [someone = ''] = troubled;
  await page.goto(`${webUi}/namespaces/holdfast/workflows/${encodeURIComponent(someone)}`);
  await shows(page, someone);
  await shows(page, 'Input');
  const [row] = await stack.query<{ id: string }>(
    'select entry_id as id from versions where workflow_id = $1',
    [someone],
  );
  const entry = row?.id ?? '';
  expect(someone).toBe(`protect:${entry}`);
  expect(await text(page)).not.toContain(`"${entry}"`);

  const made = await stack.run('codec-server', 'token', 'awa', '--json');
  const [{ token = '' } = {}] = made.rows as unknown as { token?: string }[];
  await using server = await startCodecServer();
  expect(await server.decode({ authorization: 'Bearer hfcodec_wrong' })).toBe(401);
  await page.goto(`${server.endpoint}/`);
  await page.type('input[name=token]', token);
  await Promise.all([page.waitForNavigation(), page.click('button')]);
  expect(await text(page)).toContain('Signed in as awa');

  await page.goto(`${webUi}/namespaces/holdfast/workflows/${encodeURIComponent(someone)}`);
  await shows(page, 'Input');
  await page.click('[data-testid=data-encoder-status]');
  await page.waitForSelector('#data-encoder-endpoint-input', { visible: true });
  await page.type('#data-encoder-endpoint-input', server.endpoint);
  await page.click('::-p-text(Include cross-origin credentials)');
  await page.click('::-p-xpath(//button[normalize-space()="Apply"])');
  await page.reload();
  await shows(page, `"${entry}"`);
  await shows(page, `"${runId}"`);

  await until('the access to be told', async () => {
    const told = await stack.query<{ actor: string }>(
      `select event ->> 'actor' as actor from audit_events where event -> 'facts' ->> 'action' = 'decrypt-payloads'`,
    );
    return told.some(({ actor }) => actor === 'awa');
  });
  const refused = await stack.query(
    `select 1 from audit_events where event ->> 'step' = 'access' and event -> 'facts' ->> 'what' = 'codec_token_refused'`,
  );
  expect(refused).toHaveLength(1);
  await twoClicks(page);
  await stack.run('codec-server', 'revoke', 'awa');
  await page.goto(`${webUi}/namespaces/holdfast/workflows/${encodeURIComponent(someone)}`);
  await shows(page, 'Input');
  await sleep(1_000);
  expect(await text(page)).not.toContain(`"${entry}"`);
});

/** From the page of a sweep two clicks of the mouse lead to all files of the run that somebody has to look at. */
async function twoClicks(page: Page): Promise<void> {
  await page.goto(
    `${webUi}/namespaces/holdfast/workflows/sweep${encodeURIComponent(':')}${await sourceId()}`,
  );
  await shows(page, 'User Metadata');
  await clickWithMouse(page, await page.$('::-p-xpath(//a[contains(., "User Metadata")])'));
  const frame = await until('the details', async () => {
    for (const frame of page.frames()) {
      const link = await frame
        .$('::-p-text(Failed, quarantined and held files of this run)')
        .catch(() => null);
      if (frame !== page.mainFrame() && link !== null) return frame;
    }
    return undefined;
  });
  await picture(page, 'sweep-details');
  const opened = new Promise<Page | null>((resolve) => page.once('popup', resolve));
  await clickWithMouse(page, await frame.$('a'));
  const list = await opened;
  if (list === null) throw new Error('no page was opened');
  await shows(list, `${troubled.length} Workflows`);
  expect(await listed(list)).toEqual(troubled);
  await picture(list, 'files-of-a-run');
  await list.close();
}

test('the links of `run show` open the same list, and those of one kind', async () => {
  const { rows } = await stack.run('run', 'show', runId, '--json');
  const [run] = rows as unknown as {
    outcomes: Record<string, number>;
    webUi: Record<string, string>;
    files: { workflowId: string; webUi: string }[];
  }[];
  expect(run?.outcomes).toMatchObject(counts);
  expect(run?.files.map(({ workflowId }) => workflowId).sort()).toEqual(troubled);
  const page = await browser.newPage();
  for (const [link, count] of Object.entries({ troubled: 7, ...counts, waiting: counts.held })) {
    await page.goto(run?.webUi[link] ?? '');
    await shows(page, `${count} Workflow`);
    const ids = await listed(page);
    expect([link, ids.length]).toEqual([link, count]);
    if (link === 'waiting') expect(ids.every((id) => id.startsWith('hold:'))).toBe(true);
    else expect(troubled).toEqual(expect.arrayContaining(ids));
  }
  await page.goto(run?.files[0]?.webUi ?? '');
  await shows(page, run?.files[0]?.workflowId ?? '');
});

async function sourceId(): Promise<string> {
  const [found] = await stack.query<{ id: string }>('select id from sources');
  return found?.id ?? '';
}

/** As a person sees it. */
const text = async (page: Page): Promise<string> =>
  String(await page.evaluate('document.body.innerText')).replace(/\s+/g, ' ');

/** Waits until the page shows this. */
async function shows(page: Page, wanted: string): Promise<void> {
  await until(`the page to show ${wanted}`, async () => {
    // It may be on its way to another address.
    const shown = await text(page).catch(() => '');
    return shown.includes(wanted);
  });
}

/** Ids of the workflows in a list. */
async function listed(page: Page): Promise<string[]> {
  const paths = await page.$$eval('table a[href*="/workflows/"]', (links) =>
    links.map((link) => link.pathname),
  );
  const ids = paths.flatMap((each) => /\/workflows\/([^/]+)\//.exec(each)?.[1] ?? []);
  return [...new Set(ids.map(decodeURIComponent))].sort();
}

async function clickWithMouse(page: Page, element: Awaited<ReturnType<Page['$']>>): Promise<void> {
  const { x, y } = (await element?.clickablePoint()) ?? { x: 0, y: 0 };
  await page.mouse.click(x, y);
}

async function picture(page: Page, name: string): Promise<void> {
  if (images === undefined) return;
  mkdirSync(images, { recursive: true });
  await page.setViewport({ width: 1_280, height: 640 });
  await page.screenshot({ path: path.join(images, `${name}.png`) as `${string}.png` });
}

async function startCodecServer() {
  const child = spawn(process.execPath, [program, 'codec-server', '--json'], {
    env: stack.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [first] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const { endpoint } = JSON.parse(first) as { endpoint: string };
  expect(endpoint).toBe(`http://127.0.0.1:${codecPort}`);
  return {
    endpoint,
    decode: async (headers: Record<string, string>) =>
      (await fetch(`${endpoint}/decode`, { method: 'POST', headers, body: '{}' })).status,
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      child.kill('SIGINT');
      expect(await ended).toEqual([0, null]);
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
