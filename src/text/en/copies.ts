/** Copies between destinations, and scanning again. */
export const copies = {
  two_different: 'Name two different destinations.',
  would_copy:
    '{versions} {versions|version|versions} ({bytes}) and {manifests} {manifests|manifest|manifests} would be copied from {from} to {to}. Nothing was done.',
  being_copied:
    '{versions} {versions|version|versions} ({bytes}) {versions|is|are} being copied to {to}. See how far it is: holdfast status',
  planned: '{count} of {of} {of|copy|copies} planned',
  no_worker: 'The worker does not run: nothing is copied until `holdfast up -d`.',
  left: ', about {seconds} s left',
  to_copy:
    '{versions} {versions|version|versions} ({bytes}) and {manifests} {manifests|manifest|manifests} to copy, {rate}/s{left}',
  copied:
    '{copied} {copied|version has|versions have} a copy in {to} now, {denied} {denied|was|were} denied by the policy, {failed} could not be copied.',
  which_ones: 'Which ones: holdfast files --json, `placements` with the state denied.',
  tried_again:
    'What could not be copied is tried again; why not is in the log of the worker, and in: holdfast verify',
  under_way: 'A rescan is under way already.',
  started: 'A rescan has started.',
  waiting: 'holdfast: {sentence} Waiting for it.',
  nothing_due:
    'Nothing is due: the signatures in force ({set}, {day}) judged all that is stored, or know no more.',
  due: '{contents} {contents|content|contents} ({bytes}) {contents|is|are} due for the signatures in force ({set}, {day}).',
  progress: '{count} {count|content|contents} scanned ({bytes}), {infected} infected',
  recipients:
    'holdfast: {count} {count|content is|contents are} sealed to recipients as OpenPGP messages: no host can open and scan {count|it|those} again.',
  rescanned:
    '{count} {count|content|contents} scanned again ({bytes}): {clean} clean, {infected} infected, {not_scanned} without a verdict, {unreadable} not readable; {result}',
  infected_stored:
    'holdfast: stored content is infected by what is known now. Nothing was deleted; restore leaves it out.\n  → holdfast files --infected lists its files. Their originals go through quarantine at the next sweep.',
  unreadable_stored:
    'holdfast: some content could not be read back.\n  → holdfast verify --all --read-data says what is wrong with it, and what to do.',
} as const;
