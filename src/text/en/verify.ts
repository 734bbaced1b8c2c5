/** What `verify` looked at and found. */
export const verify = {
  more_of: '… more of {kind}: --json lists all',
  progress_listed: ', {count} listed',
  progress_found: ', {count} not as they should be',
  progress: '{checked} of {of} looked at, {bytes} read{inventory}{found}',
  summary:
    '{checked} of {live} {live|object|objects}, {manifests} {manifests|manifest|manifests} and {documents} {documents|keyring document|keyring documents} looked at, {read} {read|object|objects} read ({bytes}){listed} in {seconds} s: {verdict}',
  versions_listed: ', {count} {count|version|versions} listed',
  all_well: 'all as promised.',
  mismatches: '{wrong} not as they should be, {repaired} of them put right.',
  shredded: {
    one: '{count} object cannot be read because its scope was shredded.',
    other: '{count} objects cannot be read because their scope was shredded.',
  },
  away: 'The destination {name} does not answer: nobody looked at what lies there.',
  unreachable: 'Nobody looked at the objects in {name}: the configuration has no such destination.',
  nothing_yet: 'Nothing is protected yet.',
  never_looked: { one: '{count} of them was never looked at', other: '{count} of them were never looked at' },
  looked_since: 'each was looked at since {at}',
  never_read: { one: '{count} was never read', other: '{count} were never read' },
  read_since: 'each was read since {at}',
  coverage: 'Of {live} {live|object|objects} {looked}, {read}.',
  and_others: 'and others',
  remedy_copied: 'copied from another destination',
  remedy_found: 'found under another version of its name',
  remedy_extended: 'lock extended',
  remedy_upload: 'to be uploaded anew',
  remedy_list: 'the next manifest lists it anew',
  means_missing:
    'the bucket does not have what was stored under a lock. Find out who deleted it, or whether this is the right bucket.\n  What is "to be uploaded anew" is not protected now: run `holdfast protect` on its folder, then `holdfast verify` again.\n  Of files that changed or went since, that version is lost. A missing keyring document is put back by the worker: `holdfast down && holdfast up`.',
  means_tampered:
    'the stored bytes are not those that were written: a disk of the server failed, or somebody changed them.\n  Nothing of them was given out. Have the server checked; run `holdfast protect` on the folders of what is to be uploaded anew.',
  means_lock_mismatch:
    'somebody shortened or weakened locks. Find out who may bypass them (s3:BypassGovernanceRetention).\n  What is not "lock extended" can be deleted too early: a lock in GOVERNANCE mode cannot become COMPLIANCE.',
  means_unreadable:
    'no key of this keyring opens it. Look whether another keyring does: `holdfast key list`, and the exported copies.',
  means_foreign:
    'somebody else wrote under names of ours. Ours lie unharmed beneath, and restore takes ours. Find out who may write into the bucket.',
  means_unknown:
    'things in the bucket that this catalog did not put there: of another program, of an older catalog, or planted.\n  Restore never takes them. Find out whose they are before you delete any.',
  means_delete_marker:
    'somebody deleted names of ours. The locked versions lie unharmed beneath, and restore takes them. Find out who may delete in the bucket.',
  means_open_upload:
    'uploads in parts that nobody finished. They cost room; at its start and daily the worker drops those\n  that are an hour old, and those that this catalog knows nothing of when they are a week old.',
  means_leftover:
    'ours, but nothing rests on them any more: they cost room until their locks end. Nothing to do.',
} as const;
