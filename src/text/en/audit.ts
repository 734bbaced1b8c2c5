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
  head: 'head {number}',
  event: 'event {number}',
  prove_takes: 'prove takes <source>:<path>.',
  proof:
    'The proof of version {id} is in {file} ({bytes}). Whoever gets it verifies it with\nops/audit/verify_proof.py and the keys that `holdfast audit public-key` prints, handed over on another way.',
} as const;
