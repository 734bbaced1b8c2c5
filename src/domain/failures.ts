/**
 * The one table of everything that can go wrong, and the one error class that carries it.
 *
 * Each row fixes the process exit code, whether a retry can help, the sentence the operator reads and what
 * to do next. `{name}` in a text is filled from the failure's `facts`. Vendor errors are translated into a
 * row once, at the edge; what has no row is a defect and is rethrown unchanged.
 */
export interface FailureRow {
  /** Process exit code: 1 error, 2 usage, 3 some files failed, 4 integrity, 5 dependency, 6 key, 7 running. */
  readonly exitCode: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 130;
  /** Whether the same call may succeed later without anyone changing anything. */
  readonly retryable: boolean;
  readonly message: string;
  /** What the operator does next. */
  readonly hint: string;
}

const row = (
  exitCode: FailureRow['exitCode'],
  retryable: boolean,
  message: string,
  hint: string,
): FailureRow => ({
  exitCode,
  retryable,
  message,
  hint,
});

export const failures = {
  usage: row(2, false, '{detail}', 'Run the command with --help to see its arguments and examples.'),
  internal: row(
    1,
    false,
    'Unexpected error: {detail}',
    'This is a defect: please report it with the log file.',
  ),
  interrupted: row(130, true, 'Interrupted.', 'Run the same command again: it resumes where it stopped.'),
  sweep_running: row(
    7,
    true,
    'A sweep of {source} is under way; it was not told that what is gone was meant to go.',
    'Wait until it has ended (`holdfast sweep {source} --wait`), then run the command again.',
  ),
  sweep_failed: row(
    1,
    true,
    'The sweep ended before it was through (run {run}).',
    'Run it again: what is protected stays so. The log of the worker says why it ended.',
  ),
  signatures_stale: row(
    5,
    true,
    'The virus signatures are of {at}: too old for their verdicts to count.',
    'Let freshclam reach database.clamav.net (`holdfast doctor` says more), then run the command again.',
  ),
  rescan_running: row(
    7,
    true,
    'A rescan is under way; it was not told about a source or a limit.',
    'Wait until it has ended (`holdfast rescan --wait`), then run the command again.',
  ),
  rescan_failed: row(
    1,
    true,
    'The rescan ended before it was through (run {run}).',
    'Run it again: what was looked at counts. The log of the worker says why it ended.',
  ),
  infected_content: row(
    3,
    false,
    'This version was found infected after it was stored ({signature}).',
    'Take an earlier version (`holdfast show` lists them), or give --include-infected to have it all the same.',
  ),
  clock_skew: row(
    5,
    false,
    'The clocks do not agree: by {name} it is {theirs}, by this machine {here}. No lock is changed and nothing is deleted until they do.',
    'Let the wrong one follow a time server (`timedatectl set-ntp true`), then run the command again. Files are protected meanwhile.',
  ),
  retention_not_paused: row(
    1,
    false,
    'Retention of {source} is not paused.',
    'Nothing is to be done: `holdfast retention plan --source {source}` shows what it will do.',
  ),
  retention_failed: row(
    1,
    true,
    'Retention of {source} ended before it was through (run {run}).',
    'Run it again: what it did is done. The log of the worker says why it ended; `holdfast doctor` looks for the usual reasons.',
  ),
  legal_hold_unknown: row(
    1,
    false,
    'There is no legal hold of {case} on exactly this path.',
    '`holdfast legal-hold list` names paths and cases; give them as they are printed.',
  ),
  legal_hold_ambiguous: row(
    2,
    false,
    'Several cases hold this path: {cases}.',
    'Name the one to release with --case; the others go on holding.',
  ),
  schedule_unknown: row(
    2,
    false,
    'Nothing called {name} is scheduled.',
    'Run `holdfast schedule list` for the names.',
  ),
  catalog_unavailable: row(
    5,
    true,
    'The catalog (Postgres) does not answer.',
    'Run `holdfast status`; the log of the postgres service says why.',
  ),
  catalog_unready: row(
    5,
    false,
    'The database has no tables of this program, or does not let it in ({code}).',
    'The first `holdfast up` makes the tables. If the database was lost: `holdfast up --only temporal,postgres,s3`, then `holdfast catalog rebuild`.',
  ),
  schema_unknown: row(
    1,
    false,
    'The catalog was changed by another release: migration {migration} is not the one this program knows.',
    'Run the release that made the catalog, or a newer one.',
  ),
  schema_behind: row(
    5,
    false,
    'The catalog lacks the migration {migration}: the machine that runs the cluster has an older release than this host.',
    'Install the same release there, run `holdfast up` there, then `holdfast up` here.',
  ),
  joined_host: row(
    1,
    false,
    'This host joined a cluster and has no rights over its database.',
    'Run the command on the machine that runs the cluster.',
  ),
  not_listening: row(
    1,
    false,
    'Other hosts cannot reach the {service} of this machine: `listen` is not configured.',
    'Name an address of this machine in holdfast.yaml (`listen: { address: 10.0.0.1 }`), run `holdfast down` and `up`, then add the host. docs/scale-out.md has it step by step.',
  ),
  plaintext_refused: row(
    2,
    false,
    'What goes to {service} would cross a network in the clear: passwords, names, and what may be changed on the way.',
    'Give the service a certificate and name its authority in holdfast.yaml (`tls` or `caFile`, an https endpoint); `insecure: true` if something else encrypts the line.',
  ),
  join_file_invalid: row(
    2,
    false,
    'The file {file} is not what `host add` wrote: {detail}.',
    'Make a new one with `holdfast host add` on the machine that runs the cluster.',
  ),
  host_unknown: row(
    1,
    false,
    'No host of this cluster is called {host}, or it was revoked already.',
    '`holdfast host list` names them.',
  ),
  audit_conflict: row(
    4,
    true,
    'The audit trail already holds another account of event {event}.',
    'Someone or something changed the trail: keep the database as it is and compare it with an older backup.',
  ),
  audit_key_invalid: row(
    2,
    false,
    '{file} holds no public keys of an audit trail.',
    'Give the file that `holdfast audit public-key` wrote: one key of 43 letters and digits a line.',
  ),
  audit_mismatch: row(
    4,
    false,
    'The audit trail is not the one that was signed: {detail}.',
    'Somebody changed the database. Keep it as it is, and run `holdfast audit verify`: it says what and when.',
  ),
  proof_not_anchored: row(
    5,
    true,
    'No anchor outside of the database covers all of it yet.',
    'Anchors are written every few minutes while the worker runs and the bucket answers: try again in ten minutes. `holdfast status` shows what waits.',
  ),
  version_unknown: row(
    1,
    false,
    'No version {version} is in the catalog.',
    'List what there is with `holdfast files`.',
  ),
  s3_unavailable: row(
    5,
    true,
    'Destination {destination} does not answer as it should ({reason}).',
    'Check that its S3 endpoint is up and reachable; work resumes by itself when it is.',
  ),
  s3_denied: row(
    1,
    false,
    'Destination {destination} refuses access ({reason}).',
    "Check the destination's credentials and what their role may do in the bucket.",
  ),
  s3_wrong_region: row(
    1,
    false,
    'The bucket of destination {destination} is not in region {region} ({reason}).',
    "Set the destination's region to the bucket's.",
  ),
  s3_ca_unreadable: row(
    1,
    false,
    'The CA file of destination {destination} cannot be read ({reason}).',
    'Check the path and permissions of the CA file in the configuration.',
  ),
  s3_corrupt: row(
    4,
    true,
    'Bytes changed on the way to or from destination {destination} ({reason}).',
    'If it happens again, check the memory and network of this machine.',
  ),
  bucket_missing: row(
    1,
    false,
    'Destination {destination} has no bucket {bucket}.',
    'Check the bucket name, or let `holdfast up` make the bucket.',
  ),
  bucket_without_lock: row(
    1,
    false,
    'Bucket {bucket} of destination {destination} has no Object Lock with versioning.',
    'Object Lock is chosen when a bucket is made: name another bucket.',
  ),
  object_missing: row(
    4,
    false,
    'Destination {destination} does not have the object version.',
    'Run `holdfast verify` to see what else is missing.',
  ),
  upload_missing: row(
    5,
    true,
    'Destination {destination} no longer knows the multipart upload.',
    'Nothing to do: the upload is begun again.',
  ),
  lock_refused: row(
    1,
    false,
    'Destination {destination} keeps a shorter or weaker lock than asked.',
    'A lock in GOVERNANCE mode cannot become COMPLIANCE; also check the permission s3:PutObjectRetention.',
  ),
  source_unavailable: row(
    5,
    true,
    'A source folder cannot be opened ({detail}).',
    'Check the path of the source, that its file system is mounted, and that this user may read it.',
  ),
  out_of_handles: row(
    1,
    true,
    'The system gives this process no more open files or memory ({detail}).',
    'Raise the limit (`ulimit -n`) or lower the concurrency in holdfast.yaml.',
  ),
  watch_limit: row(
    5,
    true,
    'The kernel refuses more file watches: {sysctl} is {current}.',
    'Raise it: `sysctl {sysctl}={suggested}` (keep it in /etc/sysctl.d). Until then sweeps find what is not watched.',
  ),
  temporal_unavailable: row(
    5,
    true,
    'Temporal does not answer.',
    'Run `holdfast status`; the log of the temporal service says why.',
  ),
  codec_token_exists: row(
    2,
    false,
    'There is a valid token {name} already.',
    'Take another name, or revoke that one first: holdfast codec-server revoke {name}',
  ),
  codec_token_unknown: row(
    2,
    false,
    'There is no token {name}.',
    '`holdfast codec-server tokens` lists those there are.',
  ),
  run_unknown: row(
    2,
    false,
    'There is no run {run}.',
    '`holdfast runs` lists the newest ones, with their ids.',
  ),
  web_ui_unknown: row(
    2,
    false,
    'Where the Web UI of Temporal is, is not known.',
    'Put its address into holdfast.yaml, at services.temporal.webUi. Browsers let no other page read what the codec server decrypts.',
  ),
  address_taken: row(
    5,
    false,
    'Nothing can listen on {address}: {detail}.',
    'Another program has it, or this machine has no such address. Change codecServer in holdfast.yaml.',
  ),
  search_attributes_missing: row(
    5,
    false,
    'The Temporal namespace {namespace} lacks search attributes of Holdfast, or has one of another type, and this account may not register them.',
    "Have an administrator of the cluster run: {command} (Temporal Cloud: the same names and types in the namespace's settings). Then: holdfast down && holdfast up -d",
  ),
  config_missing: row(
    1,
    false,
    'There is no configuration at {file}.',
    'Run `holdfast init --source name=/path` first.',
  ),
  compliance_mapping_invalid: row(
    2,
    false,
    '{file} is no mapping of a law: {detail}',
    'Correct the key that is named; docs/compliance.md shows a whole file, and policies/compliance has those that come along.',
  ),
  config_invalid: row(
    2,
    false,
    '{file} is not valid: {detail}',
    'Correct the line; holdfast.example.yaml shows every key.',
  ),
  tool_missing: row(
    5,
    false,
    '{what} is missing: install it with `{command}`.',
    'Install it, then run the same command again.',
  ),
  tool_failed: row(
    5,
    false,
    '{what} could not be prepared: {detail}',
    'Repair what the message names, then run the same command again.',
  ),
  platform_unsupported: row(
    5,
    false,
    'There is no embedded {what} for this platform ({platform}).',
    'Use Debian 12 or 13, or Ubuntu 22.04 or 24.04, or set the service to external in holdfast.yaml.',
  ),
  folder_not_ours: row(
    1,
    false,
    'The folder {folder} belongs to somebody else.',
    'Remove it, or let its owner remove it, then run the same command again.',
  ),
  service_unhealthy: row(
    5,
    true,
    'The service {service} {reason}. Its log {log} ends with:\n{lines}',
    'Read the log file, repair the cause, then run the same command again.',
  ),
  already_running: row(
    7,
    false,
    'Holdfast already runs for this state folder (process {pid}).',
    'Run `holdfast status` to see it, or `holdfast down` to stop it.',
  ),
  policy_unavailable: row(
    5,
    true,
    'The policy engine (OPA) gives no decision: {detail}.',
    'Run `holdfast status`; the log of the opa service says why. Work waits and resumes by itself.',
  ),
  policy_invalid: row(
    1,
    false,
    'The policy does not hold up: {detail}.',
    'Correct what it names, then run `holdfast policy check`. The policy before it stays in force.',
  ),
  policy_not_taken: row(
    5,
    true,
    'The new policy (revision {revision}) is not in force: {detail}.',
    'Run `holdfast status` and `holdfast policy apply` again. The policy before it stays in force; an OPA of your own must load the new one: `holdfast policy bundle`.',
  ),
  scanner_unavailable: row(
    5,
    true,
    'The malware scanner (clamd) cannot be reached: {detail}.',
    'Run `holdfast status`; the log of the clamd service says why. Work waits and resumes by itself.',
  ),
  entry_unknown: row(
    1,
    false,
    'No entry {entry} is in the catalog.',
    'List what there is with `holdfast files`.',
  ),
  destination_unknown: row(
    1,
    false,
    'The configuration has no destination {destination}.',
    'Add it under `destinations` in holdfast.yaml, or correct its name in the command or the policy data.',
  ),
  unknown_scope: row(
    6,
    false,
    'There is no key for the scope {scope}.',
    'Make it with `holdfast key add-scope {scope}`, or name an existing scope in the policy data (`holdfast key list`).',
  ),
  wrong_password: row(
    6,
    false,
    'The password does not open this keyring.',
    'Check the file HOLDFAST_PASSWORD_FILE names; a keyring keeps the password it was written with.',
  ),
  password_superseded: row(
    6,
    false,
    'That password opens only an older keyring (generation {opened}): the password was changed since.',
    'Give the password it was changed to; `holdfast recover` still reads with the older one what was sealed by then.',
  ),
  holder_outdated: row(
    6,
    false,
    'The password of {holder} opens a keyring without the newest keys: they were rotated since.',
    'Use the password they were rotated with; then `holdfast key add-holder {holder}` gives this one the newest keys.',
  ),
  recovery_key_mistyped: row(
    6,
    false,
    'That looks like a recovery key, but its letters do not fit together: one is missing, wrong or exchanged.',
    'Compare it letter by letter with the printed kit; it has nine groups of four.',
  ),
  mixed_keyrings: row(
    6,
    false,
    'There are keyrings of several repositories: {repositories}.',
    'The recovery kit names the right repository: put the keyring documents of the others aside.',
  ),
  too_many_keyrings: row(
    6,
    false,
    'The password opens none of the {tried} root documents tried; there are {count}, more than anybody makes.',
    'Either it is wrong, or someone planted documents in the bucket: put those that are not yours aside, newest first.',
  ),
  newer_keyring: row(
    6,
    false,
    'The key {document} belongs to a newer keyring than the one this password opens.',
    'Give the newest password to read what was sealed since.',
  ),
  keyring_name_taken: row(
    6,
    false,
    'The keyring document {document} cannot be published to {destination}: something else lies under its name.',
    'Somebody else wrote there. Look with `holdfast key list`; `key rotate` takes names that are free.',
  ),
  scope_needed: row(
    2,
    false,
    'The scope {scope} cannot be shredded: the repository needs it.',
    'Manifests, folders and links are sealed under `holdfast` and `default`. Let policy give what may be shredded a scope of its own.',
  ),
  scope_taken: row(
    2,
    false,
    'There is a scope {scope} already, or there was one that was shredded.',
    'Name another; `holdfast key rotate --scope {scope}` gives an existing one a new key.',
  ),
  no_shredding: row(
    1,
    false,
    'No shredding of the scope {scope} is pending.',
    'Look with `holdfast key list`. What is done cannot be taken back.',
  ),
  keyring_export_invalid: row(
    6,
    false,
    'The file {file} is no exported keyring: {detail}.',
    'Give a file that `holdfast key export` wrote.',
  ),
  keyring_newer_here: row(
    1,
    false,
    'The keyring here holds documents that the export lacks, such as {document}: nothing was changed.',
    'An import replaces nothing newer. Export again from the machine whose keyring is newest.',
  ),
  kit_not_in_bucket: row(
    4,
    false,
    'The recovery key is right, but destination {destination} lacks {missing} of the keyring documents it needs.',
    'Run `holdfast up`, which publishes them, then verify again.',
  ),
  holder_taken: row(
    2,
    false,
    'There is a holder {holder} already whose password opens the newest keyring.',
    'Whoever holds it changes it with `holdfast key change-password`; `key remove-holder` takes it away.',
  ),
  holder_unknown: row(2, false, 'There is no holder {holder}.', '`holdfast key list` names the holders.'),
  scope_shredding: row(
    6,
    false,
    'The keys of the scope {scope} are being shredded: nothing new is sealed under it.',
    'Name another scope in the policy data, or take the shredding back with `holdfast key shred --cancel {scope}`.',
  ),
  empty_password: row(
    6,
    false,
    'The password is empty.',
    'Put a password into the file HOLDFAST_PASSWORD_FILE names.',
  ),
  corrupted_keyring: row(
    6,
    false,
    'The keyring is damaged: {detail}.',
    'Read an older version of the keyring object, or the one in another destination.',
  ),
  hostile_keyring: row(
    6,
    false,
    'The keyring asks for {iterations} password iterations; only {least} to {most} are accepted.',
    'Someone may have replaced the keyring object: read its older versions, or the one in another destination.',
  ),
  unknown_key: row(
    6,
    false,
    'No key {keyId} is known.',
    'It may belong to another repository, or its scope was shredded.',
  ),
  tampered: row(
    4,
    false,
    'The sealed bytes are not what was written: {detail}.',
    'Read another version or destination of the object, and find out what changed it.',
  ),
  unsupported_format: row(
    4,
    false,
    'The bytes are of a form this program does not read: {detail}.',
    'Use the release that wrote them, or a newer one.',
  ),
  openpgp_unconfigured: row(
    1,
    false,
    'Policy wants this content as an OpenPGP message, but no recipient is configured.',
    'Name public keys or a passphrase file under `openpgp` in the configuration, or change the format policy asks for.',
  ),
  openpgp_recipient_unusable: row(
    1,
    false,
    'Content cannot be sealed to the OpenPGP key {recipient}: {detail}.',
    'Give a public key that can be encrypted to now, RSA or ECDH: `gpg --export --armor <name>` writes one.',
  ),
  openpgp_key_missing: row(
    6,
    false,
    'This content is an OpenPGP message, and nothing that could open it was given.',
    'Give the private key of one of its recipients with `--openpgp-key FILE`, or the passphrase with HOLDFAST_OPENPGP_PASSPHRASE_FILE.',
  ),
  openpgp_key_wrong: row(
    6,
    false,
    'The OpenPGP key or passphrase that was given does not open this content; it was sealed for: {recipients}.',
    'Use the private key with one of these key ids (`gpg --list-secret-keys --with-subkey-fingerprint`), or the passphrase.',
  ),
  openpgp_key_unreadable: row(
    6,
    false,
    'The OpenPGP private key in {file} cannot be used: {detail}.',
    'Export it with `gpg --export-secret-keys --armor <name>`; where it is locked, HOLDFAST_OPENPGP_PASSPHRASE_FILE names a file with its passphrase.',
  ),
  write_only_host: row(
    6,
    false,
    'This host can only write: it has no key that opens what it protects.',
    'Restore on the machine of a recipient: `holdfast recover … --openpgp-key FILE` with the password of the repository, or `holdfast restore` there if it shares the catalog.',
  ),
  host_key_invalid: row(
    6,
    false,
    'The file {file} is no key file of a write-only host.',
    'Make one where the keyring can be opened: `holdfast key export --write-only --host <name> <file>`.',
  ),
  name_too_long: row(
    3,
    false,
    'The path and attributes of the file do not fit into its metadata.',
    'Shorten the path.',
  ),
  quarantine_unknown: row(
    1,
    false,
    'Nothing in quarantine has the id or path {item}.',
    'List what there is with `holdfast quarantine list --all`.',
  ),
  quarantine_empty: row(
    1,
    false,
    'Nothing of {item} is kept in quarantine: it was {why}.',
    'See `holdfast quarantine show {item}`. What was only reported still lies in its source.',
  ),
  quarantine_elsewhere: row(
    1,
    false,
    'The quarantined content {item} lies on the host {host}.',
    'Run the command there.',
  ),
  quarantine_unwritable: row(
    1,
    true,
    'An infected file could not be taken into quarantine: the disk of the state folder says {detail}.',
    'Make room, then run `holdfast protect` on the file. It still lies in its source, and was not uploaded.',
  ),
  quarantine_missing: row(
    4,
    false,
    'The sealed copy of the quarantined content {id} is not in the quarantine folder.',
    'Somebody removed it, or the state folder is another one: look into `quarantine/` below it, and in its backups.',
  ),
  still_infected: row(
    1,
    false,
    'It is not released: the scanner still finds {signature}.',
    'If you are certain that this is a false positive: the same command with --even-if-infected. It will be left alone, but never uploaded.',
  ),
  release_unscanned: row(
    1,
    true,
    'It is not released: the scanner could not say that it is clean ({reason}).',
    'Try again later, or look what the reason means in docs/malware.md; --even-if-infected releases it all the same.',
  ),
  release_occupied: row(
    1,
    false,
    'Something else has the name by now; nothing was overwritten.',
    'Release it into another folder with --to DIR, or move away what is there.',
  ),
  release_folder_gone: row(
    1,
    false,
    'The folder it came from cannot be written to ({detail}).',
    'Make the folder again, or release into another one with --to DIR.',
  ),
  exception_unknown: row(
    1,
    false,
    'No exception stands for {item}.',
    'List those that stand with `holdfast quarantine list`.',
  ),
  hold_unknown: row(
    1,
    false,
    'No hold {hold} is in the catalog.',
    'List what waits with `holdfast hold list`.',
  ),
  hold_ended: row(
    1,
    false,
    'The hold {hold} has ended already: it was {state}.',
    'Nothing to do. `holdfast hold list` shows what still waits.',
  ),
  hold_not_decided: row(
    3,
    false,
    'The hold {hold} is still open: {reason}.',
    'Look at it with `holdfast hold show {hold}`; the log of the worker says more.',
  ),
  hold_source_changed: row(
    1,
    false,
    'The file of the hold {hold} is not what was held any more, or cannot be read here: it cannot be sealed anew.',
    'Its newer state goes its own way. Reject this hold: `holdfast hold reject {hold}`.',
  ),
  staging_full: row(
    3,
    false,
    'The staging folder has no room for what would have to be held.',
    'Decide what waits (`holdfast hold list`), or raise `staging.quota` in holdfast.yaml. The next sweep tries the file again.',
  ),
  approval_invalid: row(
    6,
    false,
    'The signature is not that of {approver}, or is about something else than the hold {hold}.',
    'Sign with the key that is registered for {approver}. It counts as an attempt to get around the policy, and is on record.',
  ),
  approval_expired: row(
    1,
    false,
    'The time in which the signature counted is over.',
    'Look at the hold again (`holdfast hold show {hold}`), then sign anew.',
  ),
  approval_outdated: row(
    1,
    false,
    'The hold {hold} is not what was signed any more: it was judged or sealed anew since.',
    'Look at it again (`holdfast hold show {hold}`), then sign anew.',
  ),
  approver_unknown: row(
    6,
    false,
    'Nobody called {approver} is registered as an approver in the policy data.',
    'Add the entry that `holdfast approver keygen` printed to `approvers` in the policy data, or name the right person with --approver.',
  ),
  approver_not_entitled: row(
    1,
    false,
    '{approver} may not decide about files of this classification.',
    "Ask somebody who may, or extend that person's `classifications` in the policy data.",
  ),
  approver_key_unusable: row(
    6,
    false,
    'The file {file} cannot be used to sign: {detail}.',
    'Give the private key file that `holdfast approver keygen` wrote, and its password with --key-password-file.',
  ),
  lock_mismatch: row(
    4,
    false,
    'Destination {destination} stored an object with a shorter or weaker lock than asked.',
    'Check the bucket for rules that change locks; the version is not counted as protected.',
  ),
  planted_object: row(
    4,
    false,
    'Destination {destination} holds a foreign object under a name of ours.',
    'Somebody wrote into the bucket: check who may. The name is random and will not be met again by chance.',
  ),
  object_too_large: row(
    3,
    false,
    'The sealed file may grow beyond what destination {destination} can store in one object.',
    'Split the file, or exclude it. The limit is `maxObjectSize` of the destination: S3 stores at most 5 TiB in one object.',
  ),
  sealing_refused: row(
    4,
    false,
    'What was sealed for destination {destination} is not what release allowed.',
    'Nothing was completed. Report it with the log file: the sealer and the reader disagree, or policy changed.',
  ),
  keyring_missing: row(
    6,
    false,
    'There is no keyring in {folder}.',
    'Run `holdfast init`; if the repository exists already, copy its keys folder back from the bucket.',
  ),
  secret_unreadable: row(1, false, 'The file {file} cannot be read.', 'Check its path and permissions.'),
  service_not_running: row(
    5,
    true,
    'The service {service} is not running.',
    'Start it with `holdfast up -d`.',
  ),
  no_space: row(
    1,
    false,
    'The target has not enough room: {needed} bytes are to be written, {free} are free.',
    'Free some space or name another target, then run the same command again: it goes on where it stopped.',
  ),
  target_unusable: row(
    1,
    false,
    'The target folder cannot be made or opened ({reason}).',
    'Name a folder in which this user may write.',
  ),
  target_is_link: row(
    1,
    false,
    'The target folder is a link.',
    'Name the folder that it leads to, if that is where you want it restored: a link may have been put there by somebody else.',
  ),
  target_full: row(
    1,
    false,
    'The target has no room left.',
    'Free some space, then run the same command again: it goes on where it stopped.',
  ),
  unsafe_path: row(
    3,
    false,
    'The catalog has an entry whose path or link target no file system could hold.',
    'The catalog was changed by something else than this program; the entry was not restored.',
  ),
  no_free_name: row(
    3,
    false,
    'Every name that an entry could be restored under is taken.',
    'Restore into an empty folder.',
  ),
  target_changed: row(
    3,
    true,
    'Somebody moved or replaced folders of the target while a file was written into it.',
    'Run the same command again when nothing else writes into the target.',
  ),
  restore_running: row(
    7,
    false,
    'Another restore of this source into the same folder is running.',
    'Wait until it has ended, or name another target.',
  ),
  source_unknown: row(
    2,
    false,
    'There is no source {source}.',
    'The configuration lists the sources; `holdfast files` shows them.',
  ),
  no_password: row(
    6,
    false,
    'No password was given.',
    'Name a file that holds it (--password-file or HOLDFAST_PASSWORD_FILE), or run the command on a terminal, which asks for it.',
  ),
  password_file_unreadable: row(
    6,
    false,
    'The password file {file} cannot be read.',
    'Check its path and permissions.',
  ),
  password_mismatch: row(
    6,
    false,
    'The two passwords differ.',
    'Run the command again and type the same one twice.',
  ),
  weak_password: row(
    6,
    false,
    'That password is too easy to guess: {why}',
    'Take five random words, or let a password manager draw one: whoever has the bucket can try passwords for ever.',
  ),
  already_initialised: row(
    1,
    false,
    'There is an installation already: {file} exists.',
    'Change that file and run `holdfast up -d`, or name another state folder in HOLDFAST_HOME.',
  ),
  no_official_signatures: row(
    5,
    true,
    'No official virus signatures are on this machine, and they could not be fetched.',
    'Let freshclam reach database.clamav.net, or put signatures into the `signatures` folder of the state folder; --allow-test-signatures goes on without protection.',
  ),
  not_confirmed: row(
    1,
    false,
    'Nothing was done: not confirmed.',
    'Run the command again and confirm, or give {flag}.',
  ),
  not_running: row(5, true, 'Holdfast is not running.', 'Start it with `holdfast up -d`.'),
  outside_sources: row(
    2,
    false,
    'The path {path} lies in none of the sources.',
    'Name a path below a source; `holdfast.yaml` lists them.',
  ),
  object_unknown: row(
    1,
    false,
    'Destination {destination} has no object of that name and version.',
    '`holdfast files --json` has the names of objects; give --version-id only as `verify` or the server print it.',
  ),
  path_unknown: row(
    1,
    false,
    'The catalog does not know that path.',
    'List what it knows with `holdfast files`.',
  ),
  path_not_there: row(
    1,
    false,
    'There is nothing under that path as of {at}.',
    'List the folder above it with `holdfast ls`, or find out when it came and went: `holdfast find <name> --versions`.',
  ),
  path_ambiguous: row(
    1,
    false,
    '{count} names are printed like that one: their bytes are not UTF-8.',
    'Restore the folder they are in: each comes back with its own bytes.',
  ),
  not_a_file: row(
    1,
    false,
    'That is {kind}, not a file.',
    'List a folder with `holdfast ls`; folders and links come back with `holdfast restore`.',
  ),
  never_protected: row(
    1,
    false,
    'No version of that file is protected; its newest one is {outcome}.',
    'Find out why with `holdfast show`.',
  ),
  quickstart_home_taken: row(
    1,
    false,
    'There is an installation of your own in {home}: the quickstart leaves it alone.',
    'Name another state folder: HOLDFAST_HOME=/some/folder npm run quickstart',
  ),
  restore_differs: row(
    4,
    false,
    'What was restored differs from the originals in {count} entries; the first is {path}: it {problem}.',
    'Both are still there: compare them, and report it with the log files.',
  ),
  lock_not_enforced: row(
    4,
    false,
    'The S3 server did not protect a locked object version against its deletion.',
    'Do not keep backups on this server.',
  ),
  no_repository: row(
    1,
    false,
    'There is no keyring in bucket {bucket}: of {versions} object versions none is named {looked}….{seen}',
    'Check --bucket and --prefix against the recovery kit, and that the credentials may list every version there.',
  ),
  s3_untrusted: row(
    5,
    false,
    'The certificate of {destination} is not trusted, or it does not speak TLS ({reason}).',
    'Name the PEM file of the authority that signed it with --ca, or check whether the endpoint is http or https.',
  ),
  source_not_found: row(
    2,
    false,
    'Neither a manifest nor a file of the source {source} is in the bucket; the sources there are: {names}.',
    'Name one of them with --source, or leave it away for all.',
  ),
  work_folder_unusable: row(
    1,
    false,
    'The folder for temporary data cannot be used ({reason}).',
    'Name a folder with some room in which this user may write: --work DIR.',
  ),
  catalog_not_empty: row(
    1,
    false,
    'The catalog is not empty: it knows {entries} entries.',
    'A catalog is rebuilt only where it was lost. If this one is to be given up, give its database away and begin with an empty one.',
  ),
  rebuild_needs_rest: row(
    7,
    false,
    'The service {service} is running and would write into the catalog.',
    'Run `holdfast down`, then `holdfast up --only temporal,postgres,s3`, then the same command again.',
  ),
  rebuild_unfinished: row(
    5,
    false,
    'A rebuild of the catalog was begun and not finished: nothing may write into it before.',
    'Run `holdfast up --only temporal,postgres,s3`, then `holdfast catalog rebuild`: it goes on where it stopped.',
  ),
  catalog_lost: row(
    1,
    false,
    'The catalog is empty, but manifests of {count} sources were written from here: its database was lost.',
    'Fill it from the bucket: `holdfast up --only temporal,postgres,s3`, then `holdfast catalog rebuild`. Only if the bucket is lost too, remove {folder} to begin anew.',
  ),
  workflows_open: row(
    1,
    false,
    '{count} workflows of the lost catalog are still open in Temporal.',
    'Their files are looked at again by the next sweep: end them with --abandon.',
  ),
  incident_unknown: row(
    1,
    false,
    'There is no incident {incident} in the register.',
    'List them with `holdfast incident list --all`; the first eight digits are enough.',
  ),
  incident_refused: row(
    1,
    false,
    'The incident {incident} is {state}: that cannot be done any more.',
    'See what was done with `holdfast incident show {incident}`.',
  ),
  incident_not_notified: row(
    2,
    false,
    'The incident {incident} was not notified to anybody.',
    'Say why nothing has to be notified with --reason, or notify it first: `holdfast incident notify {incident} --draft`.',
  ),
  notice_without_address: row(
    2,
    false,
    'There is nobody to send the notice to, or no e-mail channel to send it by.',
    'Set breaches.authority.email and an e-mail channel in the configuration, or name the address with --to.',
  ),
  notification_unknown: row(
    1,
    false,
    'There is no message {notification}.',
    'List them with `holdfast notify list`.',
  ),
  channel_unknown: row(
    2,
    false,
    'There is no channel {channel}; the configuration has: {names}.',
    'Name one of them, or leave it away for all. docs/notifications.md tells how to add one.',
  ),
  notify_test_failed: row(
    5,
    true,
    '{count} of {of} channels did not deliver.',
    'Check host, port, name and password, and whether this machine reaches the server; then run it again.',
  ),
} satisfies Record<string, FailureRow>;

export type FailureCode = keyof typeof failures;

/** Facts that fill the texts. Never a path or file name where the failure may cross an activity edge. */
export type FailureFacts = Readonly<Record<string, string | number>>;

export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: FailureCode;
  readonly facts: FailureFacts;

  constructor(code: FailureCode, facts: FailureFacts = {}, options?: { cause?: unknown }) {
    super(fill(failures[code].message, facts), options);
    this.code = code;
    this.facts = facts;
  }

  get exitCode(): number {
    return failures[this.code].exitCode;
  }

  get retryable(): boolean {
    return failures[this.code].retryable;
  }

  get hint(): string {
    return fill(failures[this.code].hint, this.facts);
  }
}

/** True for a {@link Failure}, with the given code if one is given. */
export function isFailure(error: unknown, code?: FailureCode): error is Failure {
  return error instanceof Failure && (code === undefined || error.code === code);
}

function fill(text: string, facts: FailureFacts): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(facts[name] ?? whole));
}
