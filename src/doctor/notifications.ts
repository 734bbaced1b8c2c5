import { channelTroubles, untriedChannels } from '../catalog/notification-query.ts';
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
    const channels = config.keeper ? config.notifications.channels : await sharedChannels(opened);
    const names = channels.map(({ name }) => name);
    const count = names.length;
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
    const troubles = await channelTroubles(opened, names);
    const failing = new Set(troubles.map(({ channel }) => channel));
    const untried = (await untriedChannels(opened, names)).filter((name) => !failing.has(name));
    if (troubles.length + untried.length === 0) return [ok(say('notify', 'channel_ok', { count }))];
    return [
      ...troubles.map((trouble) => ({
        state: 'problem' as const,
        what: channelWarning(trouble, language),
        means: say('notify', 'channel_means'),
        todo: say('notify', 'channel_todo', { channel: trouble.channel }),
      })),
      ...untried.map((channel) => ({
        state: 'warning' as const,
        what: say('notify', 'channel_untried', { channel }),
        means: say('notify', 'channel_untried_means'),
        todo: say('notify', 'channel_todo', { channel }),
      })),
    ];
  },
};
