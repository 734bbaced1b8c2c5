/** What went wrong, by the code of the failure, and what to do next (`_hint`). */
export const failures = {
  usage: '{detail}',
  usage_hint: 'Run the command with --help to see its arguments and examples.',
  internal: 'Unexpected error: {detail}',
  internal_hint: 'This is a defect: please report it with the log file.',
  interrupted: 'Interrupted.',
  interrupted_hint: 'Run the same command again: it resumes where it stopped.',
  sweep_running: 'A sweep of {source} is under way; it was not told that what is gone was meant to go.',
  sweep_running_hint:
    'Wait until it has ended (`holdfast sweep {source} --wait`), then run the command again.',
  sweep_failed: 'The sweep ended before it was through (run {run}).',
  sweep_failed_hint: 'Run it again: what is protected stays so. The log of the worker says why it ended.',
  signatures_stale: 'The virus signatures are of {at}: too old for their verdicts to count.',
  signatures_stale_hint:
    'Let freshclam reach database.clamav.net (`holdfast doctor` says more), then run the command again.',
  rescan_running: 'A rescan is under way; it was not told about a source or a limit.',
  rescan_running_hint: 'Wait until it has ended (`holdfast rescan --wait`), then run the command again.',
  rescan_failed: 'The rescan ended before it was through (run {run}).',
  rescan_failed_hint: 'Run it again: what was looked at counts. The log of the worker says why it ended.',
  infected_content: 'This version was found infected after it was stored ({signature}).',
  infected_content_hint:
    'Take an earlier version (`holdfast show` lists them), or give --include-infected to have it all the same.',
  clock_skew:
    'The clocks do not agree: by {name} it is {theirs}, by this machine {here}. No lock is changed and nothing is deleted until they do.',
  clock_skew_hint:
    'Let the wrong one follow a time server (`timedatectl set-ntp true`), then run the command again. Files are protected meanwhile.',
  retention_not_paused: 'Retention of {source} is not paused.',
  retention_not_paused_hint:
    'Nothing is to be done: `holdfast retention plan --source {source}` shows what it will do.',
  retention_failed: 'Retention of {source} ended before it was through (run {run}).',
  retention_failed_hint:
    'Run it again: what it did is done. The log of the worker says why it ended; `holdfast doctor` looks for the usual reasons.',
  legal_hold_unknown: 'There is no legal hold of {case} on exactly this path.',
  legal_hold_unknown_hint: '`holdfast legal-hold list` names paths and cases; give them as they are printed.',
  legal_hold_ambiguous: 'Several cases hold this path: {cases}.',
  legal_hold_ambiguous_hint: 'Name the one to release with --case; the others go on holding.',
  schedule_unknown: 'Nothing called {name} is scheduled.',
  schedule_unknown_hint: 'Run `holdfast schedule list` for the names.',
  catalog_unavailable: 'The catalog (Postgres) does not answer.',
  catalog_unavailable_hint: 'Run `holdfast status`; the log of the postgres service says why.',
  catalog_unready: 'The database has no tables of this program, or does not let it in ({code}).',
  catalog_unready_hint:
    'The first `holdfast up` makes the tables. If the database was lost: `holdfast up --only temporal,postgres,s3`, then `holdfast catalog rebuild`.',
  schema_unknown:
    'The catalog was changed by another release: migration {migration} is not the one this program knows.',
  schema_unknown_hint: 'Run the release that made the catalog, or a newer one.',
  schema_behind:
    'The catalog lacks the migration {migration}: the machine that runs the cluster has an older release than this host.',
  schema_behind_hint: 'Install the same release there, run `holdfast up` there, then `holdfast up` here.',
  joined_host: 'This host joined a cluster and has no rights over its database.',
  joined_host_hint: 'Run the command on the machine that runs the cluster.',
  not_listening: 'Other hosts cannot reach the {service} of this machine: `listen` is not configured.',
  not_listening_hint:
    'Name an address of this machine in holdfast.yaml (`listen: { address: 10.0.0.1 }`), run `holdfast down` and `up`, then add the host. docs/scale-out.md has it step by step.',
  plaintext_refused:
    'What goes to {service} would cross a network in the clear: passwords, names, and what may be changed on the way.',
  plaintext_refused_hint:
    'Give the service a certificate and name its authority in holdfast.yaml (`tls` or `caFile`, an https endpoint); `insecure: true` if something else encrypts the line.',
  join_file_invalid: 'The file {file} is not what `host add` wrote: {detail}.',
  join_file_invalid_hint: 'Make a new one with `holdfast host add` on the machine that runs the cluster.',
  host_unknown: 'No host of this cluster is called {host}, or it was revoked already.',
  host_unknown_hint: '`holdfast host list` names them.',
  audit_conflict: 'The audit trail already holds another account of event {event}.',
  audit_conflict_hint:
    'Someone or something changed the trail: keep the database as it is and compare it with an older backup.',
  audit_key_invalid: '{file} holds no public keys of an audit trail.',
  audit_key_invalid_hint:
    'Give the file that `holdfast audit public-key` wrote: one key of 43 letters and digits a line.',
  audit_mismatch: 'The audit trail is not the one that was signed: {detail}.',
  audit_mismatch_hint:
    'Somebody changed the database. Keep it as it is, and run `holdfast audit verify`: it says what and when.',
  proof_not_anchored: 'No anchor outside of the database covers all of it yet.',
  proof_not_anchored_hint:
    'Anchors are written every few minutes while the worker runs and the bucket answers: try again in ten minutes. `holdfast status` shows what waits.',
  version_unknown: 'No version {version} is in the catalog.',
  version_unknown_hint: 'List what there is with `holdfast files`.',
  s3_unavailable: 'Destination {destination} does not answer as it should ({reason}).',
  s3_unavailable_hint: 'Check that its S3 endpoint is up and reachable; work resumes by itself when it is.',
  s3_denied: 'Destination {destination} refuses access ({reason}).',
  s3_denied_hint: "Check the destination's credentials and what their role may do in the bucket.",
  s3_wrong_region: 'The bucket of destination {destination} is not in region {region} ({reason}).',
  s3_wrong_region_hint: "Set the destination's region to the bucket's.",
  s3_ca_unreadable: 'The CA file of destination {destination} cannot be read ({reason}).',
  s3_ca_unreadable_hint: 'Check the path and permissions of the CA file in the configuration.',
  s3_corrupt: 'Bytes changed on the way to or from destination {destination} ({reason}).',
  s3_corrupt_hint: 'If it happens again, check the memory and network of this machine.',
  bucket_missing: 'Destination {destination} has no bucket {bucket}.',
  bucket_missing_hint: 'Check the bucket name, or let `holdfast up` make the bucket.',
  bucket_without_lock: 'Bucket {bucket} of destination {destination} has no Object Lock with versioning.',
  bucket_without_lock_hint: 'Object Lock is chosen when a bucket is made: name another bucket.',
  object_missing: 'Destination {destination} does not have the object version.',
  object_missing_hint: 'Run `holdfast verify` to see what else is missing.',
  upload_missing: 'Destination {destination} no longer knows the multipart upload.',
  upload_missing_hint: 'Nothing to do: the upload is begun again.',
  lock_refused: 'Destination {destination} keeps a shorter or weaker lock than asked.',
  lock_refused_hint:
    'A lock in GOVERNANCE mode cannot become COMPLIANCE; also check the permission s3:PutObjectRetention.',
  source_unavailable: 'A source folder cannot be opened ({detail}).',
  source_unavailable_hint:
    'Check the path of the source, that its file system is mounted, and that this user may read it. Nothing of it counts as deleted meanwhile. A folder that took the place of another for good needs a new name under `sources`.',
  out_of_handles: 'The system gives this process no more open files or memory ({detail}).',
  out_of_handles_hint: 'Raise the limit (`ulimit -n`) or lower the concurrency in holdfast.yaml.',
  watch_limit: 'The kernel refuses more file watches: {sysctl} is {current}.',
  watch_limit_hint:
    'Raise it: `sysctl {sysctl}={suggested}` (keep it in /etc/sysctl.d). Until then sweeps find what is not watched.',
  temporal_unavailable: 'Temporal does not answer.',
  temporal_unavailable_hint: 'Run `holdfast status`; the log of the temporal service says why.',
  codec_token_exists: 'There is a valid token {name} already.',
  codec_token_exists_hint: 'Take another name, or revoke that one first: holdfast codec-server revoke {name}',
  codec_token_unknown: 'There is no token {name}.',
  codec_token_unknown_hint: '`holdfast codec-server tokens` lists those there are.',
  run_unknown: 'There is no run {run}.',
  run_unknown_hint: '`holdfast runs` lists the newest ones, with their ids.',
  web_ui_unknown: 'Where the Web UI of Temporal is, is not known.',
  web_ui_unknown_hint:
    'Put its address into holdfast.yaml, at services.temporal.webUi. Browsers let no other page read what the codec server decrypts.',
  address_taken: 'Nothing can listen on {address}: {detail}.',
  address_taken_hint:
    'Another program has it, or this machine has no such address. Change codecServer in holdfast.yaml.',
  search_attributes_missing:
    'The Temporal namespace {namespace} lacks search attributes of Holdfast, or has one of another type, and this account may not register them.',
  search_attributes_missing_hint:
    "Have an administrator of the cluster run: {command} (Temporal Cloud: the same names and types in the namespace's settings). Then: holdfast down && holdfast up -d",
  config_missing: 'There is no configuration at {file}.',
  config_missing_hint: 'Run `holdfast init --source name=/path` first.',
  compliance_mapping_invalid: '{file} is no mapping of a law: {detail}',
  compliance_mapping_invalid_hint:
    'Correct the key that is named; docs/compliance.md shows a whole file, and policies/compliance has those that come along.',
  config_invalid: '{file} is not valid: {detail}',
  config_invalid_hint: 'Correct the line; holdfast.example.yaml shows every key.',
  tool_missing: '{what} is missing: install it with `{command}`.',
  tool_missing_hint: 'Install it, then run the same command again.',
  tool_failed: '{what} could not be prepared: {detail}',
  tool_failed_hint: 'Repair what the message names, then run the same command again.',
  platform_unsupported: 'There is no embedded {what} for this platform ({platform}).',
  platform_unsupported_hint:
    'Use Debian 12 or 13, or Ubuntu 22.04 or 24.04, or set the service to external in holdfast.yaml.',
  folder_not_ours: 'The folder {folder} belongs to somebody else.',
  folder_not_ours_hint: 'Remove it, or let its owner remove it, then run the same command again.',
  folder_unusable: 'The folder {folder} cannot be used ({code}).',
  folder_unusable_hint:
    'Choose another place (HOLDFAST_HOME names the state folder), or get the right to this one, then run the same command again.',
  service_unhealthy: 'The service {service} {reason}. Its log {log} ends with:\n{lines}',
  service_unhealthy_hint: 'Read the log file, repair the cause, then run the same command again.',
  already_running: 'Holdfast already runs for this state folder (process {pid}).',
  already_running_hint: 'Run `holdfast status` to see it, or `holdfast down` to stop it.',
  policy_unavailable: 'The policy engine (OPA) gives no decision: {detail}.',
  policy_unavailable_hint:
    'Run `holdfast status`; the log of the opa service says why. Work waits and resumes by itself.',
  policy_invalid: 'The policy does not hold up: {detail}.',
  policy_invalid_hint:
    'Correct what it names, then run `holdfast policy check`. The policy before it stays in force.',
  policy_not_taken: 'The new policy (revision {revision}) is not in force: {detail}.',
  policy_not_taken_hint:
    'Run `holdfast status` and `holdfast policy apply` again. The policy before it stays in force; an OPA of your own must load the new one: `holdfast policy bundle`.',
  scanner_unavailable: 'The malware scanner (clamd) cannot be reached: {detail}.',
  scanner_unavailable_hint:
    'Run `holdfast status`; the log of the clamd service says why. Work waits and resumes by itself.',
  entry_unknown: 'No entry {entry} is in the catalog.',
  entry_unknown_hint: 'List what there is with `holdfast files`.',
  destination_unknown: 'The configuration has no destination {destination}.',
  destination_unknown_hint:
    'Add it under `destinations` in holdfast.yaml, or correct its name in the command or the policy data.',
  unknown_scope: 'There is no key for the scope {scope}.',
  unknown_scope_hint:
    'Make it with `holdfast key add-scope {scope}`, or name an existing scope in the policy data (`holdfast key list`).',
  wrong_password: 'The password does not open this keyring.',
  wrong_password_hint:
    'Check the file HOLDFAST_PASSWORD_FILE names; a keyring keeps the password it was written with.',
  password_superseded:
    'That password opens only an older keyring (generation {opened}): the password was changed since.',
  password_superseded_hint:
    'Give the password it was changed to; `holdfast recover` still reads with the older one what was sealed by then.',
  holder_outdated:
    'The password of {holder} opens a keyring without the newest keys: they were rotated since.',
  holder_outdated_hint:
    'Use the password they were rotated with; then `holdfast key add-holder {holder}` gives this one the newest keys.',
  recovery_key_mistyped:
    'That looks like a recovery key, but its letters do not fit together: one is missing, wrong or exchanged.',
  recovery_key_mistyped_hint: 'Compare it letter by letter with the printed kit; it has nine groups of four.',
  mixed_keyrings: 'There are keyrings of several repositories: {repositories}.',
  mixed_keyrings_hint:
    'The recovery kit names the right repository: put the keyring documents of the others aside.',
  too_many_keyrings:
    'The password opens none of the {tried} root documents tried; there are {count}, more than anybody makes.',
  too_many_keyrings_hint:
    'Either it is wrong, or someone planted documents in the bucket: put those that are not yours aside, newest first.',
  newer_keyring: 'The key {document} belongs to a newer keyring than the one this password opens.',
  newer_keyring_hint: 'Give the newest password to read what was sealed since.',
  keyring_name_taken:
    'The keyring document {document} cannot be published to {destination}: something else lies under its name.',
  keyring_name_taken_hint:
    'Somebody else wrote there. Look with `holdfast key list`; `key rotate` takes names that are free.',
  scope_needed: 'The scope {scope} cannot be shredded: the repository needs it.',
  scope_needed_hint:
    'Manifests, folders and links are sealed under `holdfast` and `default`. Let policy give what may be shredded a scope of its own.',
  scope_taken: 'There is a scope {scope} already, or there was one that was shredded.',
  scope_taken_hint: 'Name another; `holdfast key rotate --scope {scope}` gives an existing one a new key.',
  no_shredding: 'No shredding of the scope {scope} is pending.',
  no_shredding_hint: 'Look with `holdfast key list`. What is done cannot be taken back.',
  keyring_export_invalid: 'The file {file} is no exported keyring: {detail}.',
  keyring_export_invalid_hint: 'Give a file that `holdfast key export` wrote.',
  keyring_newer_here:
    'The keyring here holds documents that the export lacks, such as {document}: nothing was changed.',
  keyring_newer_here_hint:
    'An import replaces nothing newer. Export again from the machine whose keyring is newest.',
  kit_not_in_bucket:
    'The recovery key is right, but destination {destination} lacks {missing} of the keyring documents it needs.',
  kit_not_in_bucket_hint: 'Run `holdfast up`, which publishes them, then verify again.',
  holder_taken: 'There is a holder {holder} already whose password opens the newest keyring.',
  holder_taken_hint:
    'Whoever holds it changes it with `holdfast key change-password`; `key remove-holder` takes it away.',
  holder_unknown: 'There is no holder {holder}.',
  holder_unknown_hint: '`holdfast key list` names the holders.',
  scope_shredding: 'The keys of the scope {scope} are being shredded: nothing new is sealed under it.',
  scope_shredding_hint:
    'Name another scope in the policy data, or take the shredding back with `holdfast key shred --cancel {scope}`.',
  empty_password: 'The password is empty.',
  empty_password_hint: 'Put a password into the file HOLDFAST_PASSWORD_FILE names.',
  corrupted_keyring: 'The keyring is damaged: {detail}.',
  corrupted_keyring_hint: 'Read an older version of the keyring object, or the one in another destination.',
  hostile_keyring:
    'The keyring asks for {iterations} password iterations; only {least} to {most} are accepted.',
  hostile_keyring_hint:
    'Someone may have replaced the keyring object: read its older versions, or the one in another destination.',
  unknown_key: 'No key {keyId} is known.',
  unknown_key_hint: 'It may belong to another repository, or its scope was shredded.',
  tampered: 'The sealed bytes are not what was written: {detail}.',
  tampered_hint: 'Read another version or destination of the object, and find out what changed it.',
  unsupported_format: 'The bytes are of a form this program does not read: {detail}.',
  unsupported_format_hint: 'Use the release that wrote them, or a newer one.',
  openpgp_unconfigured: 'Policy wants this content as an OpenPGP message, but no recipient is configured.',
  openpgp_unconfigured_hint:
    'Name public keys or a passphrase file under `openpgp` in the configuration, or change the format policy asks for.',
  openpgp_recipient_unusable: 'Content cannot be sealed to the OpenPGP key {recipient}: {detail}.',
  openpgp_recipient_unusable_hint:
    'Give a public key that can be encrypted to now, RSA or ECDH: `gpg --export --armor <name>` writes one.',
  openpgp_key_missing: 'This content is an OpenPGP message, and nothing that could open it was given.',
  openpgp_key_missing_hint:
    'Give the private key of one of its recipients with `--openpgp-key FILE`, or the passphrase with HOLDFAST_OPENPGP_PASSPHRASE_FILE.',
  openpgp_key_wrong:
    'The OpenPGP key or passphrase that was given does not open this content; it was sealed for: {recipients}.',
  openpgp_key_wrong_hint:
    'Use the private key with one of these key ids (`gpg --list-secret-keys --with-subkey-fingerprint`), or the passphrase.',
  openpgp_key_unreadable: 'The OpenPGP private key in {file} cannot be used: {detail}.',
  openpgp_key_unreadable_hint:
    'Export it with `gpg --export-secret-keys --armor <name>`; where it is locked, HOLDFAST_OPENPGP_PASSPHRASE_FILE names a file with its passphrase.',
  write_only_host: 'This host can only write: it has no key that opens what it protects.',
  write_only_host_hint:
    'Restore on the machine of a recipient: `holdfast recover … --openpgp-key FILE` with the password of the repository, or `holdfast restore` there if it shares the catalog.',
  host_key_invalid: 'The file {file} is no key file of a write-only host.',
  host_key_invalid_hint:
    'Make one where the keyring can be opened: `holdfast key export --write-only --host <name> <file>`.',
  host_not_cut_off: 'The gate has not ended the connections of the revoked host within {seconds} s.',
  host_not_cut_off_hint:
    'Its rights in Postgres and S3 are gone. End its connections with `holdfast down && holdfast up -d`, then run the same command again.',
  name_too_long: 'The path and attributes of the file do not fit into its metadata.',
  name_too_long_hint: 'Shorten the path.',
  quarantine_unknown: 'Nothing in quarantine has the id or path {item}.',
  quarantine_unknown_hint: 'List what there is with `holdfast quarantine list --all`.',
  quarantine_empty: 'Nothing of {item} is kept in quarantine: it was {why}.',
  quarantine_empty_hint:
    'See `holdfast quarantine show {item}`. What was only reported still lies in its source.',
  quarantine_elsewhere: 'The quarantined content {item} lies on the host {host}.',
  quarantine_elsewhere_hint: 'Run the command there.',
  quarantine_unwritable:
    'An infected file could not be taken into quarantine: the disk of the state folder says {detail}.',
  quarantine_unwritable_hint:
    'Make room, then run `holdfast protect` on the file. It still lies in its source, and was not uploaded.',
  disk_refuses: 'The disk takes nothing ({code}{where}).',
  disk_refuses_hint:
    'Make room on it (ENOSPC, EDQUOT), or see why it is mounted for reading only (EROFS). `holdfast doctor --only disk` and `--only logs` look at it.',
  quarantine_missing: 'The sealed copy of the quarantined content {id} is not in the quarantine folder.',
  quarantine_missing_hint:
    'Somebody removed it, or the state folder is another one: look into `quarantine/` below it, and in its backups.',
  still_infected: 'It is not released: the scanner still finds {signature}.',
  still_infected_hint:
    'If you are certain that this is a false positive: the same command with --even-if-infected. It will be left alone, but never uploaded.',
  release_unscanned: 'It is not released: the scanner could not say that it is clean ({reason}).',
  release_unscanned_hint:
    'Try again later, or look what the reason means in docs/malware.md; --even-if-infected releases it all the same.',
  release_occupied: 'Something else has the name by now; nothing was overwritten.',
  release_occupied_hint: 'Release it into another folder with --to DIR, or move away what is there.',
  release_folder_gone: 'The folder it came from cannot be written to ({detail}).',
  release_folder_gone_hint: 'Make the folder again, or release into another one with --to DIR.',
  exception_unknown: 'No exception stands for {item}.',
  exception_unknown_hint: 'List those that stand with `holdfast quarantine list`.',
  hold_unknown: 'No hold {hold} is in the catalog.',
  hold_unknown_hint: 'List what waits with `holdfast hold list`.',
  hold_ended: 'The hold {hold} has ended already: it was {state}.',
  hold_ended_hint: 'Nothing to do. `holdfast hold list` shows what still waits.',
  hold_not_decided: 'The hold {hold} is still open: {reason}.',
  hold_not_decided_hint: 'Look at it with `holdfast hold show {hold}`; the log of the worker says more.',
  hold_source_changed:
    'The file of the hold {hold} is not what was held any more, or cannot be read here: it cannot be sealed anew.',
  hold_source_changed_hint:
    'Its newer state goes its own way. Reject this hold: `holdfast hold reject {hold}`.',
  staging_full: 'The staging folder has no room for what would have to be held.',
  staging_full_hint:
    'Decide what waits (`holdfast hold list`), or raise `staging.quota` in holdfast.yaml. The next sweep tries the file again.',
  approval_invalid:
    'The signature is not that of {approver}, or is about something else than the hold {hold}.',
  approval_invalid_hint:
    'Sign with the key that is registered for {approver}. It counts as an attempt to get around the policy, and is on record.',
  approval_expired: 'The time in which the signature counted is over.',
  approval_expired_hint: 'Look at the hold again (`holdfast hold show {hold}`), then sign anew.',
  approval_outdated: 'The hold {hold} is not what was signed any more: it was judged or sealed anew since.',
  approval_outdated_hint: 'Look at it again (`holdfast hold show {hold}`), then sign anew.',
  approver_unknown: 'Nobody called {approver} is registered as an approver in the policy data.',
  approver_unknown_hint:
    'Add the entry that `holdfast approver keygen` printed to `approvers` in the policy data, or name the right person with --approver.',
  approver_not_entitled: '{approver} may not decide about files of this classification.',
  approver_not_entitled_hint:
    "Ask somebody who may, or extend that person's `classifications` in the policy data.",
  approver_key_unusable: 'The file {file} cannot be used to sign: {detail}.',
  approver_key_unusable_hint:
    'Give the private key file that `holdfast approver keygen` wrote, and its password with --key-password-file.',
  lock_mismatch: 'Destination {destination} stored an object with a shorter or weaker lock than asked.',
  lock_mismatch_hint:
    'Check the bucket for rules that change locks; the version is not counted as protected.',
  planted_object: 'Destination {destination} holds a foreign object under a name of ours.',
  planted_object_hint:
    'Somebody wrote into the bucket: check who may. The name is random and will not be met again by chance.',
  object_too_large: 'The sealed file may grow beyond what destination {destination} can store in one object.',
  object_too_large_hint:
    'Split the file, or exclude it. The limit is `maxObjectSize` of the destination: S3 stores at most 5 TiB in one object.',
  sealing_refused: 'What was sealed for destination {destination} is not what release allowed.',
  sealing_refused_hint:
    'Nothing was completed. Report it with the log file: the sealer and the reader disagree, or policy changed.',
  keyring_missing: 'There is no keyring in {folder}.',
  keyring_missing_hint:
    'Run `holdfast init`; if the repository exists already, copy its keys folder back from the bucket.',
  secret_unreadable: 'The file {file} cannot be read.',
  secret_unreadable_hint: 'Check its path and permissions.',
  service_not_running: 'The service {service} is not running.',
  service_not_running_hint: 'Start it with `holdfast up -d`.',
  no_space: 'The target has not enough room: {needed} bytes are to be written, {free} are free.',
  no_space_hint:
    'Free some space or name another target, then run the same command again: it goes on where it stopped.',
  target_unusable: 'The target folder cannot be made or opened ({reason}).',
  target_unusable_hint: 'Name a folder in which this user may write.',
  target_is_link: 'The target folder is a link.',
  target_is_link_hint:
    'Name the folder that it leads to, if that is where you want it restored: a link may have been put there by somebody else.',
  target_full: 'The target has no room left.',
  target_full_hint: 'Free some space, then run the same command again: it goes on where it stopped.',
  unsafe_path: 'The catalog has an entry whose path or link target no file system could hold.',
  unsafe_path_hint:
    'The catalog was changed by something else than this program; the entry was not restored.',
  no_free_name: 'Every name that an entry could be restored under is taken.',
  no_free_name_hint: 'Restore into an empty folder.',
  target_changed: 'Somebody moved or replaced folders of the target while a file was written into it.',
  target_changed_hint: 'Run the same command again when nothing else writes into the target.',
  restore_running: 'Another restore of this source into the same folder is running.',
  restore_running_hint: 'Wait until it has ended, or name another target.',
  source_unknown: 'There is no source {source}.',
  source_unknown_hint: 'The configuration lists the sources; `holdfast files` shows them.',
  no_password: 'No password was given.',
  no_password_hint:
    'Name a file that holds it (--password-file or HOLDFAST_PASSWORD_FILE), or run the command on a terminal, which asks for it.',
  password_file_unreadable: 'The password file {file} cannot be read.',
  password_file_unreadable_hint: 'Check its path and permissions.',
  password_mismatch: 'The two passwords differ.',
  password_mismatch_hint: 'Run the command again and type the same one twice.',
  weak_password: 'That password is too easy to guess: {why}',
  weak_password_hint:
    'Take five random words, or let a password manager draw one: whoever has the bucket can try passwords for ever.',
  already_initialised: 'There is an installation already: {file} exists.',
  already_initialised_hint:
    'Change that file and run `holdfast up -d`, or name another state folder in HOLDFAST_HOME.',
  no_official_signatures: 'No official virus signatures are on this machine, and they could not be fetched.',
  no_official_signatures_hint:
    'Let freshclam reach database.clamav.net, or put signatures into the `signatures` folder of the state folder; --allow-test-signatures goes on without protection.',
  not_confirmed: 'Nothing was done: not confirmed.',
  not_confirmed_hint: 'Run the command again and confirm, or give {flag}.',
  not_running: 'Holdfast is not running.',
  not_running_hint: 'Start it with `holdfast up -d`.',
  outside_sources: 'The path {path} lies in none of the sources.',
  outside_sources_hint: 'Name a path below a source; `holdfast.yaml` lists them.',
  object_unknown: 'Destination {destination} has no object of that name and version.',
  object_unknown_hint:
    '`holdfast files --json` has the names of objects; give --version-id only as `verify` or the server print it.',
  path_unknown: 'The catalog does not know that path.',
  path_unknown_hint: 'List what it knows with `holdfast files`.',
  path_not_there: 'There is nothing under that path as of {at}.',
  path_not_there_hint:
    'List the folder above it with `holdfast ls`, or find out when it came and went: `holdfast find <name> --versions`.',
  path_ambiguous: '{count} names are printed like that one: their bytes are not UTF-8.',
  path_ambiguous_hint: 'Restore the folder they are in: each comes back with its own bytes.',
  not_a_file: 'That is {kind}, not a file.',
  not_a_file_hint: 'List a folder with `holdfast ls`; folders and links come back with `holdfast restore`.',
  never_protected: 'No version of that file is protected; its newest one is {outcome}.',
  never_protected_hint: 'Find out why with `holdfast show`.',
  quickstart_home_taken: 'There is an installation of your own in {home}: the quickstart leaves it alone.',
  quickstart_home_taken_hint: 'Name another state folder: HOLDFAST_HOME=/some/folder npm run quickstart',
  restore_differs:
    'What was restored differs from the originals in {count} entries; the first is {path}: it {problem}.',
  restore_differs_hint: 'Both are still there: compare them, and report it with the log files.',
  lock_not_enforced: 'The S3 server did not protect a locked object version against its deletion.',
  lock_not_enforced_hint: 'Do not keep backups on this server.',
  no_repository:
    'There is no keyring in bucket {bucket}: of {versions} object versions none is named {looked}….{seen}',
  no_repository_hint:
    'Check --bucket and --prefix against the recovery kit, and that the credentials may list every version there.',
  s3_untrusted: 'The certificate of {destination} is not trusted, or it does not speak TLS ({reason}).',
  s3_untrusted_hint:
    'Name the PEM file of the authority that signed it with --ca, or check whether the endpoint is http or https.',
  source_not_found:
    'Neither a manifest nor a file of the source {source} is in the bucket; the sources there are: {names}.',
  source_not_found_hint: 'Name one of them with --source, or leave it away for all.',
  work_folder_unusable: 'The folder for temporary data cannot be used ({reason}).',
  work_folder_unusable_hint: 'Name a folder with some room in which this user may write: --work DIR.',
  catalog_not_empty: 'The catalog is not empty: it knows {entries} entries.',
  catalog_not_empty_hint:
    'A catalog is rebuilt only where it was lost. If this one is to be given up, give its database away and begin with an empty one.',
  rebuild_needs_rest: 'The service {service} is running and would write into the catalog.',
  rebuild_needs_rest_hint:
    'Run `holdfast down`, then `holdfast up --only temporal,postgres,s3`, then the same command again.',
  rebuild_unfinished:
    'A rebuild of the catalog was begun and not finished: nothing may write into it before.',
  rebuild_unfinished_hint:
    'Run `holdfast up --only temporal,postgres,s3`, then `holdfast catalog rebuild`: it goes on where it stopped.',
  catalog_lost:
    'The catalog is empty, but manifests of {count} sources were written from here: its database was lost.',
  catalog_lost_hint:
    'Fill it from the bucket: `holdfast up --only temporal,postgres,s3`, then `holdfast catalog rebuild`. Only if the bucket is lost too, remove {folder} to begin anew.',
  workflows_open: '{count} workflows of the lost catalog are still open in Temporal.',
  workflows_open_hint: 'Their files are looked at again by the next sweep: end them with --abandon.',
  incident_unknown: 'There is no incident {incident} in the register.',
  incident_unknown_hint: 'List them with `holdfast incident list --all`; the first eight digits are enough.',
  incident_refused: 'The incident {incident} is {state}: that cannot be done any more.',
  incident_refused_hint: 'See what was done with `holdfast incident show {incident}`.',
  incident_not_notified: 'The incident {incident} was not notified to anybody.',
  incident_not_notified_hint:
    'Say why nothing has to be notified with --reason, or notify it first: `holdfast incident notify {incident} --draft`.',
  notice_without_address: 'There is nobody to send the notice to, or no e-mail channel to send it by.',
  notice_without_address_hint:
    'Set breaches.authority.email and an e-mail channel in the configuration, or name the address with --to.',
  notification_unknown: 'There is no message {notification}.',
  notification_unknown_hint: 'List them with `holdfast notify list`.',
  channel_unknown: 'There is no channel {channel}; the configuration has: {names}.',
  channel_unknown_hint:
    'Name one of them, or leave it away for all. docs/notifications.md tells how to add one.',
  no_channels: 'No channel is configured: nobody is told of anything, and there is nothing to test.',
  no_channels_hint:
    'Add one under notifications.channels in the configuration (docs/notifications.md), then `holdfast down && holdfast up`, and try again.',
  notify_test_failed: '{count} of {of} channels did not deliver.',
  notify_test_failed_hint:
    'Check host, port, name and password, and whether this machine reaches the server; then run it again.',
} as const;
