import { createHmac } from 'node:crypto';
import type { ChannelConfig } from '../config.ts';
import type { Message } from './message.ts';
import { sendRequest } from './request.ts';
import { secretIn } from './trust.ts';

/**
 * POSTs a message as JSON (docs/notifications.md). `Holdfast-Signature` is the HMAC-SHA256, in hex, of the timestamp, a dot
 * and the body; whoever takes it compares it, and refuses timestamps that are old.
 */
export async function sendWebhook(
  { url, secretFile, caFile }: Extract<ChannelConfig, { type: 'webhook' }>,
  { id, topic, subject, text, facts, at }: Message,
  proxy: string | undefined,
  now = new Date(),
): Promise<void> {
  const body = JSON.stringify({ v: 1, id, topic, at, subject, text, facts });
  const timestamp = String(Math.floor(now.getTime() / 1_000));
  const secret = await secretIn(secretFile, 'secretFile');
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'holdfast-id': id,
    'holdfast-timestamp': timestamp,
    'holdfast-signature': `sha256=${signature(secret, timestamp, body)}`,
  };
  await sendRequest({ url, method: 'POST', headers, body, caFile, proxy });
}

const signature = (secret: string, timestamp: string, body: string): string =>
  createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
