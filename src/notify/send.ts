import type { ChannelConfig } from '../config.ts';
import { sendEmail } from './email.ts';
import type { Message } from './message.ts';
import { sendRequest } from './request.ts';
import { sendWebhook } from './webhook.ts';

/**
 * Hands a message over to its channel; once this resolves, the other side has taken it.
 *
 * @throws Undelivered
 */
export function send(channel: ChannelConfig, message: Message, proxy: string | undefined): Promise<void> {
  if (channel.type === 'email') return sendEmail(channel, message, proxy);
  if (channel.type === 'webhook') return sendWebhook(channel, message, proxy);
  const url = message.topic === 'sweep_incomplete' ? failing(channel.url) : channel.url;
  return sendRequest({ url, method: 'GET', caFile: channel.caFile, proxy });
}

/** The address of a failure, as the services that wait for pings have it: the path goes on with `/fail`. */
function failing(url: string): string {
  const to = new URL(url);
  to.pathname = `${to.pathname.replace(/\/$/, '')}/fail`;
  return to.href;
}
