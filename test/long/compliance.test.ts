import { mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'puppeteer-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeSample } from '../../scripts/evidence/sample.ts';
import { languages } from '../../src/text/language.ts';
import { startBrowser } from '../support/chromium.ts';
import type { TestInstallation } from '../support/installation.ts';

/** Where the pictures of docs/compliance.md are written; nowhere unless it is set. */
const { HOLDFAST_TEST_IMAGES: images } = process.env;
const mostPictureBytes = 300_000;

let stack: TestInstallation;
let browser: Browser;

beforeAll(async () => {
  const sample = await makeSample({ onProgress: () => {}, onStarted: async () => {} });
  stack = sample.installation;
  stack.configure((config) => {
    Object.assign(config, { timezone: 'Africa/Douala', breaches: { organisation: 'Mairie de Bonaberi' } });
  });
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await stack?.remove();
});

test.each(languages)(
  'the report of a real run renders, and its commands count the same: %s',
  async (lang) => {
    const file = path.join(stack.folder, `compliance-${lang}.html`);
    const made = await stack.run(
      ...['report', 'compliance', '--from', '1d', '--lang', lang, '--output', file, '--json'],
    );
    expect({ code: made.code, stderr: made.stderr }).toEqual({ code: 0, stderr: '' });
    const [report] = made.rows as unknown as {
      controls: { id: string; state: string; numbers: { query: string; value: number; command: string }[] }[];
    }[];
    const page = await browser.newPage();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.setViewport({ width: 900, height: 1_270 });
    await page.goto(pathToFileURL(file).href);
    expect(asked).toEqual([pathToFileURL(file).href]);
    const shown = await page.$$eval('data:not([data-what])', (all) =>
      all.map((one) => [one.dataset.query, Number(one.value)]),
    );
    const numbers = report?.controls.flatMap((control) => control.numbers) ?? [];
    expect(shown).toEqual(numbers.map(({ query, value }) => [query, value]));
    const commands = new Map(numbers.map((one) => [one.command, one]));
    for (const { query, command, value } of commands.values()) {
      const again = await stack.run(...command.split(' ').slice(1), '--json');
      // What is signed meanwhile is another number.
      if (query !== 'audit_events_unsigned') expect([query, again.rows[0]]).toMatchObject([query, { value }]);
    }
    const states = Object.fromEntries(report?.controls.map(({ id, state }) => [id, state]) ?? []);
    expect(states).toMatchObject({
      release: 'met',
      encryption: 'met',
      locks: 'met',
      malware: 'met_with_exceptions',
    });
    // On A4, everything is on the sheet.
    const pdf = await page.pdf({ format: 'A4', preferCSSPageSize: true });
    expect(
      Buffer.from(pdf)
        .toString('latin1')
        .match(/\/Type \/Page\b/g)?.length,
    ).toBeGreaterThan(4);
    if (images === undefined) return;
    mkdirSync(images, { recursive: true });
    const picture = path.join(images, `compliance-${lang}.png`);
    await page.screenshot({ path: picture as `${string}.png` });
    expect(statSync(picture).size).toBeLessThan(mostPictureBytes);
    expect(readFileSync(file, 'utf8')).toContain('Mairie de Bonaberi');
  },
);
