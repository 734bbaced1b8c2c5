import type { ChannelTrouble } from '../catalog/notification-query.ts';
import type { Language } from '../text/language.ts';
import { textsIn } from '../text/texts.ts';

/** One sentence for a channel that does not deliver. */
export function channelWarning({ channel, count, lastError }: ChannelTrouble, language: Language): string {
  return textsIn(language)('notify', 'channel_failing', { channel, count, error: lastError });
}
