/** Verifying and exporting the audit trail, and proofs. */
export const audit = {
  from_later: '--from is later than --to.',
  written: { one: '{count} event written', other: '{count} events written' },
  exported: { one: '{count} event, signed, in {file}', other: '{count} events, signed, in {file}' },
  verified: { one: '{count} event verified', other: '{count} events verified' },
  anchors_read: { one: '{count} anchor read', other: '{count} anchors read' },
  summary:
    '{events} {events|event|events} under {heads} {heads|signed head|signed heads}, {anchors} {anchors|anchor|anchors}: {verdict}',
  all_signed: 'all as signed.',
  not_signed: '{count} not as signed.',
  somebody_changed:
    'Somebody changed the database, or an older state of it was put back. Keep it as it is, and compare it with a backup of the time before.',
  rebuilt:
    'The catalog was rebuilt on {at}, and what was told before went with the old one: go on with --begin {begin}.',
  no_anchor: 'No anchor outside of the database confirms any of it.',
  newest_anchor: 'The newest anchor is of {at}: head {number}, in {destination}.',
  since_anchor:
    'What came since rests on the database alone: {events} {events|event|events}, {unsigned} of them not signed yet.',
  away: 'The destination {name} does not answer: its anchors were not read.',
  refused:
    'The destination {name} refuses to show what is, or may be, an anchor: nobody can tell whether it is as it was signed. Look at the rights of these credentials and at the rules of the bucket (docs/destinations.md).',
  head: 'head {number}',
  event: 'event {number}',
  finding: '{kind}  {about}: {detail}',
  sound_until: 'Up to head {number}, signed on {at}, everything is as it was signed.',
  nothing_sound: 'Not even the first head is as it was signed.',
  signed_at: 'signed {at}',
  more_of: '… more of {kind}: --json lists all',
  why_planted: 'an object of this name that this repository did not sign',
  why_planted_unreadable: 'an object of this name that cannot be read, as none of this repository is',
  why_refused: 'an object of this name that these credentials may not read: nobody can tell whose it is',
  why_missing_anchor: 'it was anchored under a lock that lasts, and the bucket does not have it',
  why_unsigned: 'no key that may sign the trail of this repository has signed it',
  why_events: {
    one: 'the {count} event that was signed there is another one now',
    other: 'the {count} events that were signed there are not those that are there now',
  },
  why_count: {
    one: '{count} event was signed there, and {there} are there now',
    other: '{count} events were signed there, and {there} are there now',
  },
  why_anchor:
    'the bucket has another head under this number: the trail was cut off before it and went on otherwise',
  why_peaks: 'what the next head is computed from was changed beside it',
  why_head_row: 'its row says otherwise than what was signed',
  why_heads_missing:
    'of a trail that begins with head {first}, {count} heads are there before it: some were added or taken away',
  why_history: 'the heads before it are not those it was signed after',
  why_nothing_new: 'it covers nothing new',
  why_older_key: 'it is signed with an older key than the head before it',
  why_event: 'it does not say what was recorded',
  why_row:
    'row {number} of audit_events cannot be read as it was recorded, or says otherwise than its events',
  why_cut: {
    one: 'it is anchored, {count} up to head {last}, and the catalog ends before it',
    other: 'they are anchored, {count} up to head {last}, and the catalog ends before them',
  },
  why_lost: {
    one: '{count} anchor, up to this head, is of an earlier trail that this catalog does not have',
    other: '{count} anchors, up to this head, are of an earlier trail that this catalog does not have',
  },
  tables_changed: 'its tables are not those that the program made ({code})',
  row_unreadable: 'row {number} of audit_events cannot be read as it was recorded',
  events_changed: 'the events under head {number} were changed',
  heads_gone: 'heads before head {number} are gone',
  head_changed: 'head {number} was not signed by this repository',
  prove_takes: 'prove takes <source>:<path>.',
  proof:
    'The proof of version {id} is in {file} ({bytes}). Whoever gets it verifies it with\nops/audit/verify_proof.py and the keys that `holdfast audit public-key` prints, handed over on another way.',
} as const;
