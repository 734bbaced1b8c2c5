/** What is sent to people. Per topic: subject, what happened (`_what`), what it means (`_means`), what to do next (`_todo`). */
export const messages = {
  heading_what: 'What happened',
  heading_means: 'What it means',
  heading_todo: 'What to do next',
  heading_files: 'Files',
  more_files: { one: 'and {count} more', other: 'and {count} more' },
  files_kept_back: 'Names of files are not sent by mail. To see them: {command}',
  resolved_prefix: 'Resolved: {subject}',
  reminder_prefix: 'Still so: {subject}',
  footer: 'Sent by Holdfast on {host} at {time}. Message {id}.',

  incident_opened: 'Incident: {kind}{where}',
  incident_opened_what: 'On {time} Holdfast detected: {kind}{where} (incident {id}).',
  in_source: ', source {source}',
  incident_clock:
    'The time to notify it is {span} (breaches.notifyWithin): until {deadline}. See it: holdfast incident show {id}. Say that you have it in hand: holdfast incident ack {id}.',
  incident_warning: '{span} left to notify incident {short}',
  incident_warning_what:
    '{kind}{where}, detected on {time} (incident {id}), is not notified yet. The time ends on {deadline}.',
  incident_warning_todo:
    'Print the prepared notice: holdfast incident notify {id} --draft. Send it and record it (holdfast incident notify {id} --to WHO --by MEANS), or close it with the reason why nothing has to be notified: holdfast incident close {id} --reason TEXT.',
  incident_overdue: 'OVERDUE: incident {short} should have been notified',
  incident_overdue_what:
    '{kind}{where}, detected on {time} (incident {id}), should have been notified by {deadline}.',
  incident_overdue_means:
    'The time for notification is over. A late notice is better than none; it has to say why it is late.',
  incidents_many: 'Incidents of one kind: {kind}',
  incidents_many_what: {
    one: '{count} incident of this kind is open: {kind}. It is not told of in messages one by one any more this hour.',
    other:
      '{count} incidents of this kind are open: {kind}. They are not told of in messages one by one any more this hour.',
  },
  incidents_many_todo: 'See them all: holdfast incident list. Each has its own time for notification.',

  sweep_missing: '{source}: no complete sweep for {span}',
  sweep_missing_what: 'The last complete sweep of {source} ended {span} ago.',
  sweep_missing_never: 'No sweep of {source} was ever complete.',
  sweep_missing_means: 'Files that changed since may not be protected.',
  sweep_missing_todo:
    'See why: holdfast runs, then holdfast status. Start one: holdfast sweep {source} --wait.',
  sweep_missing_resolved: 'A sweep of {source} was complete again.',

  files_failed: { one: '{count} file is not protected', other: '{count} files are not protected' },
  files_failed_what: {
    one: 'Protecting {count} file failed, and nothing newer of it is stored.',
    other: 'Protecting {count} files failed, and nothing newer of them is stored.',
  },
  files_failed_means: 'If the disk fails today, what these files hold now is lost.',
  files_failed_todo: 'See which and why: holdfast files --outcome failed. Each sweep tries again.',
  files_failed_resolved: 'No file fails any more.',

  hold_waiting: { one: '{count} file waits for a decision', other: '{count} files wait for a decision' },
  hold_waiting_what: {
    one: '{count} file is held back by policy; it has waited for {span}.',
    other: '{count} files are held back by policy; the oldest has waited for {span}.',
  },
  hold_waiting_means: 'They are not in the bucket yet. What nobody decides in time counts as rejected.',
  hold_waiting_todo: 'See them: holdfast hold list. Decide: holdfast hold approve, or holdfast hold reject.',
  hold_waiting_resolved: 'Nothing waits for a decision any more.',

  disk_filling: 'The disk of {host} is {percent} % full',
  disk_filling_what: 'The disk with the state folder of {host} is {percent} % full.',
  disk_filling_means: 'When it is full, the catalog stops and nothing is protected any more.',
  disk_filling_todo: 'Make room, or move the state folder’s data to a larger disk (docs/operations.md).',
  disk_filling_resolved: 'The disk of {host} has room again.',

  staging_filling: 'The staging folder of {host} is {percent} % full',
  staging_filling_what: 'Held files take {percent} % of the room that staging.quota gives them on {host}.',
  staging_filling_means: 'What finds no room fails, and is not protected until there is some.',
  staging_filling_todo: 'Decide what waits (holdfast hold list), or raise staging.quota.',
  staging_filling_resolved: 'The staging folder of {host} has room again.',

  signatures_stale: 'The virus signatures of {host} are {days} {days|day|days} old',
  signatures_stale_what: 'The newest virus signatures on {host} are {days} {days|day|days} old.',
  signatures_stale_means: 'Their verdict does not count as clean: changed files wait, then they are held.',
  signatures_stale_todo: 'Let freshclam reach database.clamav.net; holdfast doctor says more.',
  signatures_stale_resolved: 'The virus signatures of {host} are fresh again.',

  restore_test_failed: 'A restore test failed',
  restore_test_failed_what:
    'Of what was looked at in the buckets, {objects} {objects|object|objects} and {manifests} {manifests|manifest is|manifests are} not as promised, and {entries} {entries|file|files} lost their copy.',
  restore_test_failed_means: 'These files could not be restored, or only from another destination.',
  restore_test_failed_todo:
    'See which: holdfast verify --all. Files that lost their copy are uploaded anew by the next sweep.',
  restore_test_failed_resolved: 'Everything that was looked at in the buckets is as promised again.',

  channel_failing: 'The channel {channel} does not deliver',
  channel_failing_what:
    '{count} {count|message|messages} for {channel} could not be delivered; the last error is {error}.',
  channel_failing_means: 'Whoever is told by it alone knows nothing of what happens here.',
  channel_failing_todo: 'Find out why: holdfast notify list, then holdfast notify test {channel}.',
  channel_failing_resolved: 'The channel {channel} delivers again.',

  test: 'Test message',
  test_what: 'Somebody ran holdfast notify test on {host}.',
  test_means: 'This channel works.',
  test_todo: 'Nothing.',

  digest: 'Digest: {summary}',
  digest_well: 'all is well',
  digest_attention: { one: '{count} thing needs you', other: '{count} things need you' },
  digest_what: 'From {from} to {to}:',
  digest_uploaded: '{count} {count|version|versions} stored ({bytes})',
  digest_failed: '{count} {count|file|files} not protected now',
  digest_held: '{count} {count|file|files} waiting for a decision',
  digest_quarantined: '{count} {count|file|files} quarantined',
  digest_incidents: '{count} {count|incident|incidents} not closed, {overdue} of them overdue',
  digest_sweeps: '{complete} {complete|complete sweep|complete sweeps}, {other} others',
  digest_verified: '{checked} {checked|object|objects} verified, {mismatches} not as promised',
  digest_conditions: 'What lasts:',
  digest_todo_well: 'Nothing.',
  digest_todo: 'Begin with holdfast status.',
} as const;
