import { createTransport } from 'nodemailer';
import type { ChannelConfig } from '../config.ts';
import type { Message } from './message.ts';
import { secretIn, trusted } from './trust.ts';
import { Undelivered } from './undelivered.ts';

type EmailChannel = Extract<ChannelConfig, { type: 'email' }>;

/** By the way a connection is secured: RFC 6409, RFC 8314, RFC 5321. */
const defaultPorts = { starttls: 587, tls: 465, none: 25 } as const;

/** What a server may take for connecting, its greeting, and between two answers. Milliseconds. */
const patience = { connectionTimeout: 20_000, greetingTimeout: 20_000, socketTimeout: 45_000 };
/** What all of it may take: a server that answers a byte at a time keeps no message from being tried elsewhere. */
const longestMs = 90_000;

/** Sends a message as plain text. A server that does not offer TLS gets nothing, unless it is this machine's. */
export async function sendEmail(
  channel: EmailChannel,
  { id, subject, text, at, recipient }: Message,
  proxy: string | undefined,
  withinMs = longestMs,
): Promise<void> {
  const { host, security, port = defaultPorts[security], user, passwordFile, caFile, from } = channel;
  const auth =
    user === undefined || passwordFile === undefined
      ? {}
      : { auth: { user, pass: await secretIn(passwordFile, 'passwordFile') } };
  const transport = createTransport({
    ...{ host, port, ...auth, ...patience },
    ...{ secure: security === 'tls', requireTLS: security === 'starttls', ignoreTLS: security === 'none' },
    tls: await trusted(caFile),
    ...(proxy === undefined || isHere(host) ? {} : { proxy }),
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });
  const signal = AbortSignal.timeout(withinMs);
  try {
    await transport.sendMail({
      signal,
      from: { name: 'Holdfast', address: from },
      // As addresses, not as text that is looked through for several.
      to: (recipient === undefined ? channel.to : [recipient]).map((address) => ({ name: '', address })),
      subject: `[Holdfast] ${subject}`,
      text,
      // The same at every try, so that a server that took it twice may know.
      messageId: `<${id}@holdfast>`,
      date: new Date(at),
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
  } catch (error) {
    throw Undelivered.by(signal.aborted ? signal.reason : error);
  } finally {
    transport.close();
  }
}

const isHere = (host: string): boolean => /^(localhost|127\.|::1)/.test(host);
