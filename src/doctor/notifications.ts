import { channelTroubles } from '../catalog/notification-query.ts';
import { sharedChannels } from '../notify/channels.ts';
import { channelWarning } from '../notify/standing.ts';
import { textsIn } from '../text/texts.ts';
import { type Check, ok } from './check.ts';

/** Whether anybody is told of what happens. */
export const notifications: Check = {
  name: 'notifications',
  async look({ catalog, config, language }) {
    const say = textsIn(language);
    const opened = await catalog();
    const { length: count } = config.keeper ? config.notifications.channels : await sharedChannels(opened);
    if (count === 0) {
      return [
        {
          state: 'warning',
          what: say('notify', 'no_channels'),
          means: say('notify', 'no_channels_means'),
          todo: say('notify', 'no_channels_todo'),
        },
      ];
    }
    const troubles = await channelTroubles(opened);
    if (troubles.length === 0) return [ok(say('notify', 'channel_ok', { count }))];
    return troubles.map((trouble) => ({
      state: 'problem',
      what: channelWarning(trouble, language),
      means: say('notify', 'channel_means'),
      todo: say('notify', 'channel_todo', { channel: trouble.channel }),
    }));
  },
};
