import { readFact, type Statements, writeFact } from '../catalog/installation-fact.ts';
import type { ChannelConfig } from '../config.ts';

/** What has to be known of a channel to tell which messages it takes; how it is reached only its host knows. */
export type ChannelName =
  | { readonly name: string; readonly type: 'email' | 'webhook' }
  | { readonly name: string; readonly type: 'ping'; readonly failures: boolean };

const factName = 'notification_channels';

/** Tells the other hosts which channels there are: the one that keeps the repository sends for all. */
export async function shareChannels(catalog: Statements, channels: readonly ChannelConfig[]): Promise<void> {
  const names: ChannelName[] = channels.map((channel) =>
    channel.type === 'ping'
      ? { name: channel.name, type: channel.type, failures: channel.failures }
      : { name: channel.name, type: channel.type },
  );
  await writeFact(catalog, factName, names);
}

export async function sharedChannels(catalog: Statements): Promise<readonly ChannelName[]> {
  return (await readFact<readonly ChannelName[]>(catalog, factName))?.value ?? [];
}
