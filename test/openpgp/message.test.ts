import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Failure, isFailure } from '../../src/domain/failures.ts';
import { openMessage, type SessionKeyFinder } from '../../src/openpgp/open-message.ts';
import { OuterPackets } from '../../src/openpgp/outer-packets.ts';
import { openRecipients, type Recipients } from '../../src/openpgp/recipients.ts';
import { sealMessage } from '../../src/openpgp/seal-message.ts';
import { openMessageKeys } from '../../src/openpgp/session-keys.ts';
import { useGpg } from './gpg.ts';

const gpg = useGpg();
const naming = Buffer.alloc(64, 3);
const ana = gpg.makeKey('ana');
const ben = gpg.makeKey('ben', 'default');

async function* pieces(content: Buffer, size = 10_000): AsyncGenerator<Buffer> {
  // One buffer for all, as the reader of a file has: who keeps it without copying shows here.
  const shared = Buffer.alloc(size);
  for (let at = 0; at < content.length; at += size) {
    const piece = content.subarray(at, at + size);
    piece.copy(shared);
    yield shared.subarray(0, piece.length);
  }
}

async function joined(buffers: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const bytes of buffers) all.push(Buffer.from(bytes));
  return Buffer.concat(all);
}

async function seal(recipients: Recipients, content: Buffer, zlibLevel = 0) {
  const sessionKey = await recipients.newSessionKey();
  return { message: await joined(sealMessage(sessionKey, zlibLevel, pieces(content))), key: sessionKey.key };
}

const open = (message: Buffer, finder: SessionKeyFinder, content: Buffer) =>
  joined(openMessage(pieces(message, 65_536), finder, content.length).content);

const knownKey =
  (key: Buffer): SessionKeyFinder =>
  () =>
    Promise.resolve(key);

const failureOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'opened',
    (error: unknown) => (isFailure(error) ? error.code : String(error)),
  );

const contents = {
  empty: Buffer.alloc(0),
  'one byte': Buffer.from('x'),
  'the shortest with a length of two octets': randomBytes(192 - 6),
  'the longest with one': randomBytes(8_383 - 6),
  'of the length of a partial body': randomBytes(65_536 - 6),
  'a byte more': randomBytes(65_536 - 5),
  'a few partial bodies': randomBytes(300_001),
  'well compressible': Buffer.alloc(3_000_000, 'holdfast '),
};

describe('gpg reads what is sealed', () => {
  test.for(Object.entries(contents))('content: %s', async ([, content]) => {
    const recipients = await openRecipients({ recipients: [ana.publicFile, ben.publicFile] }, naming);
    for (const level of [0, 3]) {
      const { message } = await seal(recipients, content, level);
      expect(gpg.decrypt(message).equals(content)).toBe(true);
      if (level > 0 && content.length > 1_000_000) expect(message.length).toBeLessThan(content.length / 100);
    }
  });

  test('with a passphrase, in the strongest form there is', async () => {
    const recipients = await openRecipients({ recipients: [], passphrase: 'correct horse — été' }, naming);
    const { message } = await seal(recipients, contents['a few partial bodies'], 3);
    expect(gpg.decrypt(message, 'correct horse — été').equals(contents['a few partial bodies'])).toBe(true);
    expect(() => gpg.decrypt(message, 'wrong')).toThrow(/Bad session key|decryption failed/);
    const told = gpg.packets(message, 'correct horse — été');
    expect(told).toMatch(/cipher 9,.*s2k 3, hash 8/);
    expect(told).toContain('count 65011712 ');
  });

  test('and finds no name and no date in it', async () => {
    const recipients = await openRecipients({ recipients: [ana.publicFile] }, naming);
    const { message } = await seal(recipients, contents.empty);
    const told = gpg.packets(message);
    expect(told).toMatch(/mode b \(62\), created 0, name="",/);
    expect(told).toMatch(/mdc_method: 2/);
  });
});

describe('opening', () => {
  const content = Buffer.from('some content worth keeping');

  test.for(Object.entries(contents))('by private key or session key: %s', async ([, content]) => {
    const recipients = await openRecipients({ recipients: [ana.publicFile] }, naming);
    for (const level of [0, 3]) {
      const { message, key } = await seal(recipients, content, level);
      for (const finder of [await openMessageKeys({ keyFile: ana.privateFile }), knownKey(key)]) {
        expect((await open(message, finder, content)).equals(content)).toBe(true);
      }
    }
  });

  test('by passphrase, where no private key fits', async () => {
    const recipients = await openRecipients({ recipients: [ana.publicFile], passphrase: 'word' }, naming);
    const { message } = await seal(recipients, content);
    const finder = await openMessageKeys({ keyFile: ben.privateFile, passphrase: 'word' });
    expect(await open(message, finder, content)).toEqual(content);
  });

  test('a locked private key needs its passphrase', async () => {
    // Of the library's making: GnuPG takes seven seconds to lock one.
    const { generateKey } = await import('openpgp');
    const made = await generateKey({
      userIDs: [{ name: 'locked' }],
      curve: 'curve25519Legacy',
      passphrase: 'sesame',
    });
    const locked = {
      publicFile: gpg.file('locked.pub', made.publicKey),
      privateFile: gpg.file('locked.key', made.privateKey),
    };
    const recipients = await openRecipients({ recipients: [locked.publicFile] }, naming);
    const { message } = await seal(recipients, content);
    const finder = await openMessageKeys({ keyFile: locked.privateFile, passphrase: 'sesame' });
    expect(await open(message, finder, content)).toEqual(content);
    expect(await failureOf(openMessageKeys({ keyFile: locked.privateFile }))).toBe('openpgp_key_unreadable');
    expect(await failureOf(openMessageKeys({ keyFile: locked.privateFile, passphrase: 'other' }))).toBe(
      'openpgp_key_unreadable',
    );
  });

  test('another key, another passphrase and another session key open nothing', async () => {
    const recipients = await openRecipients({ recipients: [ana.publicFile], passphrase: 'word' }, naming);
    const { message } = await seal(recipients, content);
    for (const keys of [{ keyFile: ben.privateFile }, { passphrase: 'guess' }]) {
      expect(await failureOf(open(message, await openMessageKeys(keys), content))).toBe('openpgp_key_wrong');
    }
    expect(await failureOf(open(message, knownKey(randomBytes(32)), content))).toBe('tampered');
  });

  test.for([0, 3])(
    'a flipped bit never gives other content, nor does a cut or a tail (level %i)',
    async (level) => {
      const recipients = await openRecipients({ recipients: [ana.publicFile] }, naming);
      const { message } = await seal(recipients, content, level);
      const finder = await openMessageKeys({ keyFile: ana.privateFile });
      const dataAt = message.indexOf(0xd2, 96);
      for (let bit = 0; bit < message.length * 8; bit += bit < 8 * dataAt ? 8 : 1) {
        const flipped = Buffer.from(message);
        flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
        const opened = await open(flipped, finder, content).catch((error: unknown) => error);
        // Numbers in a session key packet can be written in more than one way.
        if (Buffer.isBuffer(opened)) expect([bit < 8 * dataAt, opened.equals(content)]).toEqual([true, true]);
        else expect(opened).toBeInstanceOf(Failure);
      }
      for (let length = 0; length < message.length; length++) {
        const opened = failureOf(open(message.subarray(0, length), finder, content));
        expect(await opened).toMatch(/tampered|unsupported_format/);
      }
      for (const tail of [Buffer.of(0), message]) {
        expect(await failureOf(open(Buffer.concat([message, tail]), finder, content))).toBe(
          'unsupported_format',
        );
      }
    },
  );

  test('no more is given out than the content has, however much a message would give', async () => {
    const recipients = await openRecipients({ recipients: [ana.publicFile] }, naming);
    const bomb = Buffer.alloc(50_000_000);
    const { message, key } = await seal(recipients, bomb, 9);
    expect(message.length).toBeLessThan(100_000);
    let given = 0;
    const { content: opened } = openMessage(pieces(message), knownKey(key), 100_000);
    const read = async () => {
      for await (const bytes of opened) given += bytes.length;
    };
    expect(await failureOf(read())).toBe('tampered');
    expect(given).toBeLessThanOrEqual(100_000);
    expect(await failureOf(open(message, knownKey(key), Buffer.alloc(50_000_001)))).toBe('tampered');
  });

  test('a failure of the source comes out as it is', async () => {
    const recipients = await openRecipients({ recipients: [ana.publicFile] }, naming);
    async function* broken(bytes: Buffer): AsyncGenerator<Buffer> {
      yield bytes.subarray(0, 100_000);
      throw new Error('the network');
    }
    for (const level of [0, 3]) {
      const { message, key } = await seal(recipients, randomBytes(200_000), level);
      await expect(joined(openMessage(broken(message), knownKey(key), 200_000).content)).rejects.toThrow(
        'the network',
      );
      const failing = sealMessage(await recipients.newSessionKey(), level, broken(message));
      await expect(joined(failing)).rejects.toThrow('the network');
    }
  });
});

describe('a look at the packets', () => {
  const look = (message: Buffer, size = 7) => {
    const packets = new OuterPackets();
    for (let at = 0; at < message.length; at += size) packets.add(message.subarray(at, at + size));
    packets.finish();
    return packets.recipients();
  };

  test('names the recipients that were configured, however the bytes come', async () => {
    const recipients = await openRecipients(
      { recipients: [ben.publicFile, ana.publicFile], passphrase: 'word' },
      naming,
    );
    const { message } = await seal(recipients, contents['a few partial bodies']);
    for (const size of [1, 7, 65_537, message.length]) {
      expect(look(message, size)).toEqual(recipients.names);
    }
    expect(recipients.names).toHaveLength(3);
  });

  test.for([
    ['nothing', Buffer.alloc(0)],
    ['data without recipients', Buffer.from('d20101', 'hex')],
    ['an old packet header', Buffer.from('8401', 'hex')],
    ['a version 6 recipient', Buffer.concat([Buffer.from('c10a06', 'hex'), Buffer.alloc(9)])],
    ['a recipient cut short', Buffer.from('c10203ff', 'hex')],
    ['a recipient in partial bodies', Buffer.from('c1e9', 'hex')],
    ['a weak passphrase packet', Buffer.concat([Buffer.from('c32e04090308', 'hex'), Buffer.alloc(42)])],
    ['a marker packet', Buffer.from('ca03504750', 'hex')],
  ] as const)('refuses %s', ([, message]) => {
    expect(() => look(message)).toThrow(expect.objectContaining({ code: 'unsupported_format' }));
  });

  test('refuses a passphrase that costs little to guess', async () => {
    const recipients = await openRecipients({ recipients: [], passphrase: 'word' }, naming);
    const { message } = await seal(recipients, Buffer.from('content'));
    expect(look(message)).toEqual(['passphrase']);
    message[2 + 12] = 96;
    expect(() => look(message)).toThrow(/passphrase packet of another kind/);
  });

  test('refuses data of version 2, and a tail', async () => {
    const recipients = await openRecipients({ recipients: [ana.publicFile] }, naming);
    const { message } = await seal(recipients, Buffer.from('content'));
    const versionAt = message.indexOf(0xd2, 96) + 2;
    const other = Buffer.from(message);
    other[versionAt] = 2;
    expect(() => look(other)).toThrow(/version 2/);
    expect(() => look(Buffer.concat([message, message]))).toThrow(/something follows/);
  });
});

describe('recipients', () => {
  test('a set has one id, whatever their order; another key, a passphrase and another repository make another', async () => {
    const id = async (config: Parameters<typeof openRecipients>[0], key = naming) =>
      (await openRecipients(config, key)).id;
    const both = await id({ recipients: [ana.publicFile, ben.publicFile] });
    expect(both).toMatch(/^[0-9a-f]{32}$/);
    expect(await id({ recipients: [ben.publicFile, ana.publicFile] })).toBe(both);
    const others = [
      await id({ recipients: [ana.publicFile] }),
      await id({ recipients: [ana.publicFile], passphrase: 'word' }),
      await id({ recipients: [ana.publicFile], passphrase: 'sword' }),
      await id({ recipients: [ana.publicFile], passphrase: 'word' }, Buffer.alloc(64, 4)),
    ];
    expect(new Set([both, ...others]).size).toBe(5);
  });

  test('private keys, other files and keys GnuPG cannot read are refused by name', async () => {
    const { generateKey } = await import('openpgp');
    const modern = await generateKey({ userIDs: [{ name: 'm' }], type: 'curve25519', format: 'armored' });
    const refused = async (file: string) =>
      openRecipients({ recipients: [file] }, naming).then(
        () => 'accepted',
        (error: Error) => error.message,
      );
    expect(await refused(ana.privateFile)).toMatch(/ana\.key\.asc.*private key/);
    expect(await refused(gpg.file('text', 'hello'))).toMatch(/text/);
    expect(await refused('/does/not/exist')).toMatch(/ENOENT/);
    expect(await refused(gpg.file('modern.asc', modern.publicKey))).toMatch(/GnuPG 2\.2 cannot read/);
  });
});
