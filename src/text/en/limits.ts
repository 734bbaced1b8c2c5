/** What uploads may take of the line. */
export const limits = {
  no_limit: 'no limit',
  at_most: 'at most {rate}',
  by_command: 'by command, until `holdfast limits reset upload`',
  by_command_until: 'by command, until {at}',
  outside_hours: 'outside the hours of the configuration',
  by_configuration: 'by the configuration',
  none_configured: 'none is configured',
  uploads: 'Uploads: {limit} ({why}).',
  no_such_limit: 'There is no limit "{name}"; there is: upload.',
  no_rate: '"{given}" is no rate. Give {form}, or none.',
  no_duration: '"{given}" is no duration: 30m, 2h or 1d.',
} as const;
