/** A real SMTP server with STARTTLS and passwords, and the mailbox that it fills. */
import { readFileSync } from 'node:fs';
import { SMTPServer } from 'smtp-server';
import type { Certificates } from './tls.ts';

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly messageId: string;
  readonly text: string;
  /** Whether it came over TLS. */
  readonly secure: boolean;
  readonly user: string | undefined;
}

export const mailUser = 'holdfast@mairie.example';
export const mailPassword = 'a password for mail';

export class MailServer {
  readonly port: number;
  readonly mails: readonly Mail[];
  private readonly server: SMTPServer;

  private constructor(server: SMTPServer, port: number, mails: Mail[]) {
    this.server = server;
    this.port = port;
    this.mails = mails;
  }

  static async start(
    { certFile, keyFile }: Certificates,
    { offersTls = true, port = 0, takes = true } = {},
  ): Promise<MailServer> {
    const mails: Mail[] = [];
    const server = new SMTPServer({
      cert: readFileSync(certFile),
      key: readFileSync(keyFile),
      disabledCommands: offersTls ? [] : ['STARTTLS'],
      authOptional: true,
      onAuth: ({ username, password }, _session, done) =>
        username === mailUser && password === mailPassword
          ? done(null, { user: username })
          : done(new Error('wrong password')),
      onData(stream, session, done) {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          if (!takes) return done(Object.assign(new Error('mailbox full'), { responseCode: 452 }));
          const { mailFrom, rcptTo } = session.envelope;
          mails.push({
            ...parsed(Buffer.concat(chunks).toString('latin1')),
            from: mailFrom === false ? '' : mailFrom.address,
            to: rcptTo.map(({ address }) => address),
            secure: session.secure,
            user: session.user,
          });
          done();
        });
      },
    });
    server.on('error', () => {});
    const bound = await new Promise<number>((resolve) => {
      const { server: net } = server;
      server.listen(port, '127.0.0.1', () => resolve((net.address() as { port: number }).port));
    });
    return new MailServer(server, bound, mails);
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}

function parsed(raw: string): Pick<Mail, 'subject' | 'messageId' | 'text'> {
  const end = raw.indexOf('\r\n\r\n');
  const headers = raw.slice(0, end).replace(/\r\n[ \t]+/g, ' ');
  const header = (name: string): string => new RegExp(`^${name}: (.*)$`, 'im').exec(headers)?.[1] ?? '';
  const body = raw.slice(end + 4);
  const encoding = header('Content-Transfer-Encoding');
  const bytes = encoding === 'base64' ? Buffer.from(body, 'base64') : quotedPrintable(body);
  return {
    subject: words(header('Subject')),
    messageId: header('Message-ID'),
    text: bytes.toString('utf8').replaceAll('\r\n', '\n'),
  };
}

const quotedPrintable = (text: string): Buffer =>
  Buffer.from(
    text
      .replace(/=\r\n/g, '')
      .replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );

/** Encoded words of a header: RFC 2047. */
function words(text: string): string {
  return text
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([BQ])\?([^?]*)\?=/gi, (_, kind: string, word: string) =>
      (kind.toUpperCase() === 'B'
        ? Buffer.from(word, 'base64')
        : quotedPrintable(word.replaceAll('_', ' '))
      ).toString('utf8'),
    );
}
