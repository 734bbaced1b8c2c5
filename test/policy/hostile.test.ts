import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OpaEngine } from '../../src/policy/opa-engine.ts';
import { admission, release } from './questions.ts';

const revision = 'ab'.repeat(32);
const provenance = { bundles: { bundle: { revision } } };
const admitted = {
  allow: true,
  reasons: [],
  classification: 'internal',
  scope: 'default',
  retention: { class: 'standard', mode: 'GOVERNANCE', days: 1 },
  scan: {
    required: true,
    allowTestSignatures: false,
    notScanned: {
      too_large: 'allow',
      encrypted: 'hold',
      limits: 'hold',
      timeout: 'retry',
      scanner_error: 'retry',
      stale_signatures: 'retry',
    },
  },
  format: 'sealed-v1',
  compression: { algorithm: 'zstd', level: 3 },
  destinations: ['local'],
};
const released = { allow: true, reasons: [] };
/** One decision about files, by their numbers in the order asked. */
const about = (decision: unknown, ...files: string[]) => ({ files, decision });

let folder: string;
let socketPath: string;
let respond: (response: ServerResponse) => void;
let engine: OpaEngine;
const server = createServer((incoming, response) => {
  incoming.resume().on('end', () => respond(response));
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-hostile-'));
  socketPath = join(folder, 'opa.sock');
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  engine = new OpaEngine({ socketPath, timeoutMs: 1_000 });
});
afterAll(() => {
  engine.close();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const answering = (body: unknown, status = 200): void => {
  respond = (response) =>
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
};

describe('a well-formed answer', () => {
  test('is taken, or every denial below would prove nothing', async () => {
    answering({ result: [about(admitted, '0')], provenance, decision_id: 'd1' });
    expect(await engine.admit(admission)).toEqual({
      result: admitted,
      bundleRevision: revision,
      decisionId: 'd1',
    });
    answering({ result: [about(released, '0')], provenance });
    expect((await engine.release(release)).result.allow).toBe(true);
  });
});

describe('a bad answer is a denial', () => {
  const unlike = (part: object): object => ({
    result: [about({ ...admitted, ...part }, '0')],
    provenance,
  });
  test.each<[string, unknown, number?]>([
    ['no result', { provenance }],
    ['a result that is null', { result: null, provenance }],
    ['a bare true', { result: true, provenance }],
    ['a decision about nobody', { result: [about(admitted)], provenance }],
    ['a bare decision', { result: admitted, provenance }],
    ['a decision that is true', { result: [about(true, '0')], provenance }],
    ['allow as text', unlike({ allow: 'true' })],
    ['allow as number', unlike({ allow: 1 })],
    ['no allow', unlike({ allow: undefined })],
    ['allowed with a reason against it', unlike({ reasons: [{ id: 'x', text: 'y' }] })],
    ['denied without a reason', unlike({ allow: false })],
    ['an unknown field', unlike({ note: 'trust me' })],
    ['an unknown classification', unlike({ classification: 'secret' })],
    ['a lock of no days', unlike({ retention: { class: 'standard', mode: 'GOVERNANCE', days: 0 } })],
    ['compression without a level', unlike({ compression: { algorithm: 'zstd', level: 0 } })],
    ['no destination', unlike({ destinations: [] })],
    ['an unknown way to treat unscanned content', unlike({ scan: { ...admitted.scan, notScanned: {} } })],
    ['no provenance', { result: [about(admitted, '0')] }],
    ['no revision', { result: [about(admitted, '0')], provenance: { bundles: { bundle: {} } } }],
    [
      'a revision that is no SHA-256',
      { result: [about(admitted, '0')], provenance: { bundles: { b: { revision: 'v1' } } } },
    ],
    ['no bundle', { result: [about(admitted, '0')], provenance: { bundles: {} } }],
    [
      'two bundles',
      { result: [about(admitted, '0')], provenance: { bundles: { a: { revision }, b: { revision } } } },
    ],
    ['no JSON', '{"result": {"allow": true'],
    ['nothing', ''],
    ['a list', []],
    ['a huge answer', { result: [about(admitted, '0')], provenance, filler: 'x'.repeat(5_000_000) }],
    ['not found', { result: [about(admitted, '0')], provenance }, 404],
    ['a redirect', { result: [about(admitted, '0')], provenance }, 302],
    ['no content', '', 204],
  ])('%s', async (_, body, status) => {
    answering(body, status);
    const decision = await engine.admit(admission);
    expect(decision.result.allow).toBe(false);
    expect(decision.result.destinations).toEqual([]);
    expect(decision.result.reasons.map((reason) => reason.id)).toEqual(['policy_undefined']);
  });

  test.each<[string, unknown]>([
    ['no result', { provenance }],
    ['allow as text', { result: [about({ allow: 'true', reasons: [] }, '0')], provenance }],
    [
      'allowed with a reason against it',
      { result: [about({ allow: true, reasons: [{ id: 'x', text: '' }] }, '0')], provenance },
    ],
    ['an admission answer', { result: [about(admitted, '0')], provenance }],
  ])('at release too: %s', async (_, body) => {
    answering(body);
    const { result } = await engine.release(release);
    expect(result.allow).toBe(false);
    expect(result.reasons.map((reason) => reason.id)).toEqual(['policy_undefined']);
  });
});

describe('answers about many files', () => {
  const asked = [admission, admission];
  test('are taken when each file is in one', async () => {
    for (const result of [[about(admitted, '0', '1')], [about(admitted, '1'), about(admitted, '0')]]) {
      answering({ result, provenance });
      const decisions = await engine.admitMany(asked);
      expect(decisions.map(({ result }) => result.allow)).toEqual([true, true]);
    }
  });

  test.each<[string, unknown, boolean[]]>([
    ['a file that is left out is denied', [about(admitted, '0')], [true, false]],
    [
      'a decision out of form denies its files',
      [about(admitted, '0'), about({ allow: true }, '1')],
      [true, false],
    ],
    ['one more file denies all', [about(admitted, '0', '1', '2')], [false, false]],
    ['a file told by another name denies all', [about(admitted, '0', '01')], [false, false]],
    ['a file told twice denies all', [about(admitted, '0', '1', '1')], [false, false]],
    [
      'a file with two decisions denies all',
      [about(admitted, '0', '1'), about(admitted, '1')],
      [false, false],
    ],
    ['a file by number denies all', [{ files: [0, 1], decision: admitted }], [false, false]],
    ['decisions by file deny all', { 0: admitted, 1: admitted }, [false, false]],
    ['a further fact denies all', [{ ...about(admitted, '0', '1'), note: 'trust me' }], [false, false]],
    ['no result denies all', undefined, [false, false]],
  ])('%s', async (_, result, allowed) => {
    answering({ result, provenance });
    const decisions = await engine.admitMany(asked);
    expect(decisions.map(({ result: { allow } }) => allow)).toEqual(allowed);
    const denied = decisions.filter((decision) => !decision.result.allow);
    for (const { result: denial } of denied)
      expect(denial.reasons.map(({ id }) => id)).toEqual(['policy_undefined']);
  });
});

describe('what policy says without being asked', () => {
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['no class', {}],
    [
      'a class of no days',
      { standard: { mode: 'GOVERNANCE', days: 0, versions: 1, minimumDays: 0, erasable: false } },
    ],
    [
      'a class without its versions',
      { standard: { mode: 'GOVERNANCE', days: 1, minimumDays: 0, erasable: false } },
    ],
    [
      'a number as text',
      { standard: { mode: 'GOVERNANCE', days: '9', versions: 1, minimumDays: 0, erasable: false } },
    ],
  ])('is no retention class: %s', async (_, result) => {
    answering({ result, provenance });
    await expect(engine.retentionClasses()).rejects.toMatchObject({ code: 'policy_unavailable' });
  });

  const required = { public: 1, internal: 1, confidential: 1, restricted: 1 };
  const approver = {
    name: 'amina',
    publicKey: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
    classifications: [],
  };
  test('is who may approve', async () => {
    answering({ result: { approvers: [approver], required }, provenance });
    expect((await engine.approvalTerms()).result.approvers).toEqual([approver]);
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['nobody being needed', { approvers: [], required: { ...required, internal: 0 } }],
    ['a classification left out', { approvers: [], required: { public: 1 } }],
    ['the same name twice', { approvers: [approver, approver], required }],
    ['a key that is none', { approvers: [{ ...approver, publicKey: 'AAAA' }], required }],
  ])('is not %s', async (_, result) => {
    answering({ result, provenance });
    await expect(engine.approvalTerms()).rejects.toMatchObject({ code: 'policy_unavailable' });
  });
});

describe('an engine that cannot be asked is a retryable failure', () => {
  test.each<[string, (response: ServerResponse) => void]>([
    ['never answers', () => {}],
    ['stops in the middle', (response) => response.writeHead(200).write('{"result":')],
    [
      'drips for ever',
      (response) => {
        const timer = setInterval(() => response.write(' '), 20);
        response.on('close', () => clearInterval(timer));
      },
    ],
    [
      'breaks off in the middle',
      (response) => {
        const text = JSON.stringify({ result: [about(admitted, '0')], provenance });
        response.writeHead(200, { 'content-length': text.length });
        response.write(text.slice(0, -20), () => response.destroy());
      },
    ],
    ['hangs up', (response) => response.destroy()],
    ['fails', (response) => response.writeHead(500).end('{"code":"internal_error"}')],
    ['is too busy', (response) => response.writeHead(503).end()],
    ['speaks another protocol', (response) => response.socket?.end('hello\r\n')],
  ])('%s', async (_, behaviour) => {
    respond = behaviour;
    await expect(engine.admit(admission)).rejects.toMatchObject({
      code: 'policy_unavailable',
      retryable: true,
      exitCode: 5,
    });
  });

  test('is not there', async () => {
    const nobody = new OpaEngine({ socketPath: join(folder, 'nobody.sock'), timeoutMs: 300 });
    await expect(nobody.release(release)).rejects.toMatchObject({ code: 'policy_unavailable' });
    await expect(nobody.ping()).rejects.toMatchObject({ code: 'policy_unavailable' });
  });

  test('ping does not take a server without a bundle for healthy', async () => {
    answering({ provenance });
    await expect(engine.ping()).rejects.toMatchObject({ code: 'policy_unavailable' });
    answering({ result: {} });
    await expect(engine.ping()).rejects.toMatchObject({ code: 'policy_unavailable' });
  });
});
