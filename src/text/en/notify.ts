/** What the `notify` commands, `status` and `doctor` say of messages. */
export const notify = {
  no_channels: 'Nobody is told of anything: there is no channel under notifications in the configuration.',
  no_channels_means:
    'Malware, failed files or missing sweeps stay unnoticed until somebody runs holdfast status.',
  no_channels_todo: 'Add a channel (docs/notifications.md), then holdfast notify test.',
  none: 'No message was sent, waits or failed.',
  state_waiting: 'waits',
  state_sent: 'sent',
  state_failed: 'FAILED',
  attempts: { one: '{count} attempt', other: '{count} attempts' },
  test_sent: '{channel}: sent in {seconds} s',
  test_failed: '{channel}: NOT sent: {error}',
  channel_ok: { one: '{count} channel delivers.', other: '{count} channels deliver.' },
  channel_failing: {
    one: 'the channel {channel} does not deliver: {count} message waits or failed ({error}): holdfast notify list',
    other:
      'the channel {channel} does not deliver: {count} messages wait or failed ({error}): holdfast notify list',
  },
  channel_untried: 'The channel {channel} has delivered nothing yet.',
  channel_untried_means: 'Nobody knows whether its host, address and password are right.',
  no_answer: 'nobody tried to send it; is the worker up? holdfast status',
  channel_means: 'Whoever is told by it alone knows nothing of what happens here.',
  channel_todo: 'holdfast notify test {channel}',
} as const;
