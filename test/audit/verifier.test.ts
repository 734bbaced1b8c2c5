import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AuditSigner, auditSigners } from '../../src/audit/keys.ts';
import { canonical, canonicalText } from '../../src/domain/canonical.ts';

const verifier = fileURLToPath(new URL('../../ops/audit/verify_proof.py', import.meta.url));
const [signer] = auditSigners({ masters: [{ id: Buffer.alloc(16), key: Buffer.alloc(32, 7) }] }) as [
  AuditSigner,
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-verifier-'));
  keys(`${signer.text}\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function keys(text: string): void {
  writeFileSync(join(folder, 'audit.pub'), text);
}

/** How the program ends on a file, and what it says. A traceback would be neither. */
function verify(content: string | Buffer, env: Record<string, string> = {}) {
  const file = join(folder, 'file');
  writeFileSync(file, content);
  const { status, stdout, stderr } = spawnSync(
    'python3',
    [verifier, '--public-key', join(folder, 'audit.pub'), file],
    { encoding: 'utf8', env: { ...process.env, ...env } },
  );
  expect(stderr).not.toContain('Traceback');
  return { status, stdout, stderr };
}

/** Signed, as only the operator can: what is in it is what is told. */
function proofOf(parts: object): Buffer {
  const unsigned = { v: 1, proof: 'holdfast', key: signer.id, ...parts };
  const signature = signer.sign('holdfast/1/audit proof', canonical(unsigned)).toString('base64url');
  return canonical({ ...unsigned, signature });
}

describe('what is no proof is refused in one sentence', () => {
  const members = `"anchor":{},"decisions":[],"events":[],"heads":[],"key":"","madeAt":"","proof":"holdfast","repository":"","signature":"","version":"","v":1`;
  test.each([
    ['nothing', ''],
    ['no JSON', 'a proof'],
    ['a byte order mark', `\ufeff{${members}}`],
    ['blanks', `{ ${members} }`],
    ['a name twice', `{"v":1,"v":1}`],
    ['NaN', '{"v":NaN}'],
    ['a number beyond 2^53', '{"v":9007199254740993}'],
    ['a number of five thousand digits', `{"v":${'9'.repeat(5_000)}}`],
    ['half a character', '{"v":"\\ud800"}'],
    ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['brackets without end', '['.repeat(100_000)],
    ['deep brackets', `{"v":${'['.repeat(900)}${']'.repeat(900)}}`],
    ['no object', '[]'],
    ['nothing of a proof', '{}'],
    ['a signature by nobody', canonical({ ...JSON.parse(`{${members}}`) })],
  ])('%s', (_, content) => {
    const { status, stderr } = verify(content);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^REFUSED: [^\n]{8,200}\n$/),
    });
  });

  test.each([
    ['an unknown member', { more: 1 }],
    ['no heads', { events: [], heads: [], anchor: {}, decisions: [] }],
    [
      'numbers where texts belong',
      { version: 1, repository: 2, madeAt: 3, events: [1], heads: [2], anchor: 3, decisions: 4 },
    ],
  ])('signed by the operator, with %s', (_, parts) => {
    expect(verify(proofOf(parts))).toMatchObject({ status: 1, stderr: expect.stringMatching(/^REFUSED: /) });
  });
});

describe('an export', () => {
  const signed = (text: string, more: object = {}): string => {
    const sha256 = hash('sha256', text, 'hex');
    const end = { events: text.split('\n').length - 2, sha256, key: signer.id, ...more };
    const signature = signer.sign('holdfast/1/audit export', canonical(end)).toString('base64url');
    return `${text}${canonicalText({ ...end, signature })}\n`;
  };
  const begin = { v: 1, export: 'audit', repository: 'ab'.repeat(16) };
  const period = { from: '2026-11-01T00:00:00.000Z', to: '2026-11-30T00:00:00.000Z' };
  const text = (...values: object[]): string => values.map((value) => `${canonicalText(value)}\n`).join('');
  const events = [1, 2, 3].map((number) => ({ number, event: { number } }));
  const whole = signed(text({ ...begin, ...period }, ...events));
  const lines = whole.split('\n');

  test('is believed, also of a time in which nothing happened', () => {
    expect(verify(whole)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^3 events .*\nVERIFIED\n$/),
    });
    expect(verify(signed(text({ ...begin, ...period })))).toMatchObject({ status: 0 });
  });

  test.each([
    ['its last line cut off', `${lines.slice(0, 4).join('\n')}\n`],
    ['its end cut off', whole.slice(0, -1)],
    ['half of it cut off', whole.slice(0, whole.length >> 1)],
    ['two lines swapped', [lines[0], lines[2], lines[1], ...lines.slice(3)].join('\n')],
    ['a line taken away', [...lines.slice(0, 2), ...lines.slice(3)].join('\n')],
    ['a line twice', [...lines.slice(0, 2), ...lines.slice(1)].join('\n')],
    ['another period', whole.replace('2026-11-30', '2026-11-29')],
    ['ends of line of another system', whole.replaceAll('\n', '\r\n')],
    ['something behind it', `${whole}\n`],
    ['a blank in its last line', whole.replace('"events":3', '"events": 3')],
    ['two exports in one', whole + whole],
    ['a number of events that is not there', signed(text({ ...begin, ...period }, ...events), { events: 4 })],
    ['a beginning of another form', signed(text({ ...begin }, ...events))],
  ])('with %s is refused', (_, content) => {
    expect(verify(content)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^REFUSED: [^\n]+\n$/),
    });
  });

  test('cannot be verified without keys, with a file of something else, or with other keys', () => {
    const [other] = auditSigners({ masters: [{ id: Buffer.alloc(16), key: Buffer.alloc(32, 8) }] });
    for (const [given, status] of [
      ['', 1],
      [`${other?.text}\n`, 1],
      ['not a key at all, but words!\n', 2],
      // As an editor of another system writes it.
      [`\ufeff# from the town hall, é\r\n${signer.text}\r\n`, 0],
    ] as const) {
      keys(given);
      expect(verify(whole), given).toMatchObject({ status });
    }
    keys(`${signer.text}\n`);
  });
});
