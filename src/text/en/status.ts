/** What runs: status, up, down. */
export const status = {
  up_since: 'Up since {since} (process {pid}), state in {home}',
  web_ui: 'Temporal Web UI: {address}',
  test_signatures: 'WARNING: the scanner has only the built-in test signature; malware will not be found.',
  policy_refused: 'WARNING: a newer policy was not taken, the one before it decides: {detail}',
  source_problem: 'WARNING: source {source}: {sentence}',
  source_note: 'Source {source}: {note}',
  versions_wait: {
    one: 'Source {source}: {count} version waits to be listed in the bucket, the oldest for {seconds} s',
    other: 'Source {source}: {count} versions wait to be listed in the bucket, the oldest for {seconds} s',
  },
  last_verified: 'Last verified {at}: {checked} {checked|object|objects}, {mismatches} not as they should be',
  warning: 'WARNING: {text}',
  starting: 'Starting {services} …',
  policy_kept: 'WARNING: the policy was not changed, the one before it decides: {detail}',
  up_stop_with: 'Up since {since}. Stop with: holdfast down',
  stopping: 'Stopping …',
  stopped: 'Everything is stopped; state is kept.',
  nothing_ran: 'Nothing was running.',
  scanner_fails: 'the scanner fails its probes ({problems}): nothing counts as clean. Run: holdfast doctor',
  service_unknown: 'There is no service "{name}". The services are {names}.',
  no_check: 'There is no check {name}: {names}.',
} as const;
