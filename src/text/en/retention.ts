/** What expires, and legal holds. */
export const retention = {
  objects_held: '{count} objects held',
  hold_placed: 'Held: {what}, {objects} objects now. Nothing of it goes until `holdfast legal-hold release`.',
  hold_released: 'Released: {what}. What no other hold covers follows its class again.',
  objects: '{count} objects',
  released_by: 'released {at} by {actor}: {reason}',
  no_holds: 'Nothing is under a legal hold.',
  case: '(case {name})',
  as_it_was: '{path}, as it was on {at}',
  steps: '{count} steps of {source}',
  paused:
    'PAUSED since {at}: too much changed at once. Nothing expires or is deleted.\n  The state before it comes back with: {restore}\n  When all is well: holdfast retention resume {source} --reason …\n  If it went on, a run would do this:',
  more: '… {count} more: --json lists all',
  plan: '{extended} locks are extended; {stays} versions stay, {expired} expire.',
  no_object: 'No object is left without a version.',
  objects_left: '{objects} objects ({bytes}) are left without a version: {now} go now, the last by {at}.',
  next_expiry: 'Then the next version expires on {at}.',
  held: '{count} versions are under a legal hold (holdfast legal-hold list).',
  pinned: '{count} versions are pinned by the mass change.',
  unknown_class: '{count} versions are of a class that the policy does not know: they stay.',
  packs: 'In {destination}, {packs} packs keep {bytes} that nothing needs: a pack goes when all of it may.',
  resumed:
    'Retention of {source} goes on with the next run. What is due then: holdfast retention plan --source {source}',
  begins: 'Retention of {source} begins.',
  worker_at_it: 'the worker is at it',
  ran: '{source}: {extended} locks extended, {expired} versions expired, {deleted} objects deleted ({bytes}), {deferred} put off; {result}',
  is_paused: 'holdfast: {source} is paused: nothing expires. See `holdfast retention plan`.',
  denied:
    'holdfast: {count} objects may go, but the retention role may not delete them.\n  → Give it ops/iam/retention.json.',
  refused: 'holdfast: {count} objects are not locked as they must be.\n  → Run `holdfast verify --all`.',
  unreachable:
    'holdfast: {count} objects lie in destinations that did not answer: the next run sees to them.',
} as const;
