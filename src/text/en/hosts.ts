/** The machines of a cluster. */
export const hosts = {
  no_name: '"{given}" is no name: letters without accents, digits, dot, dash, underscore; at most 63.',
  file_exists: 'The file {file} exists; name a new one.',
  host_taken: 'The host {name} is in this cluster already.',
  would_add: 'Would let {name} in: a database role, a certificate and S3 keys of its own, written to {file}.',
  may_join: 'The host {name} may join. What it needs is in {file} (readable by you alone).',
  carry_file:
    'Carry the file there a safe way (scp), then on that machine, with the same release of Holdfast:',
  delete_file: 'and delete the file on both machines. The password is not in it: `init` asks for it.',
  credentials_takes: '--credentials takes destination=file, not "{given}".',
  none_yet: 'No host has told of itself yet: the first `holdfast up` does.',
  this_one: '(this one)',
  group: 'group {name}',
  warning: 'WARNING: {text}',
  revoked_at: 'revoked {at}',
  never_seen: 'added {at}, never seen',
  last_seen: 'last seen {at}',
  runs_cluster: 'This is the host that runs the cluster: it cannot be revoked.',
  would_revoke: 'Would take from {name} all that lets it write. {consequences}',
  nothing_changed: 'Nothing was changed. To do it: the same with --yes',
  revoked: 'The host {name} can write nothing any more. {consequences}',
  orphaned: 'Nobody protects these sources then; what is stored of them stays: {names}.',
  others_go_on: 'Other hosts go on with: {names}.',
  delete_s3_user: 'Delete the S3 user of {name} at its provider too: that cannot be done from here.',
  wrong_hands:
    'If it fell into wrong hands: it had the keyring, and whoever knows the password reads what was stored until now.',
  then_change:
    'Then change the password (holdfast key change-password) and draw new keys (holdfast key rotate --master --payload).',
  held_back:
    'What it held back for approval lies in its own staging folder: `holdfast hold list`, then `holdfast hold reseal`',
  on_host_with_files: 'on a host that has the files.',
} as const;
