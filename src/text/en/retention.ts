/** What expires, and legal holds. */
export const retention = {
  objects_held: '{count} {count|object|objects} held',
  hold_placed:
    'Held: {what}, {objects} {objects|object|objects} now. Nothing of it goes until `holdfast legal-hold release`.',
  hold_released: 'Released: {what}. What no other hold covers follows its class again.',
  objects: '{count} {count|object|objects}',
  released_by: 'released {at} by {actor}: {reason}',
  no_holds: 'Nothing is under a legal hold.',
  case: '(case {name})',
  as_it_was: '{path}, as it was on {at}',
  steps: '{count} {count|step|steps} of {source}',
  paused:
    'PAUSED since {at}: too much changed at once. Nothing expires or is deleted.\n  The state before it comes back with: {restore}\n  When all is well: holdfast retention resume {source} --reason …\n  If it went on, a run would do this:',
  more: '… {count} more: --json lists all',
  plan: '{extended} {extended|lock is|locks are} extended; {stays} {stays|version stays|versions stay}, {expired} {expired|expires|expire}.',
  no_object: 'No object is left without a version.',
  objects_left:
    '{objects} {objects|object|objects} ({bytes}) {objects|is|are} left without a version: {now} {now|goes|go} now, the last by {at}.',
  next_expiry: 'Then the next version expires on {at}.',
  held: '{count} {count|version is|versions are} under a legal hold (holdfast legal-hold list).',
  pinned: '{count} {count|version is|versions are} pinned by the mass change.',
  unknown_class:
    '{count} {count|version is|versions are} of a class that the policy does not know: {count|it stays|they stay}.',
  packs:
    'In {destination}, {packs} {packs|pack keeps|packs keep} {bytes} that nothing needs: a pack goes when all of it may.',
  resumed:
    'Retention of {source} goes on with the next run. What is due then: holdfast retention plan --source {source}',
  begins: 'Retention of {source} begins.',
  worker_at_it: 'the worker is at it',
  ran: '{source}: {extended} {extended|lock|locks} extended, {expired} {expired|version|versions} expired, {deleted} {deleted|object|objects} deleted ({bytes}), {deferred} put off; {result}',
  is_paused: 'holdfast: {source} is paused: nothing expires. See `holdfast retention plan`.',
  denied:
    'holdfast: {count} {count|object|objects} may go, but the retention role may not delete {count|it|them}.\n  → Give it ops/iam/retention.json.',
  refused:
    'holdfast: {count} {count|object is|objects are} not locked as {count|it|they} must be.\n  → Run `holdfast verify --all`.',
  unreachable:
    'holdfast: {count} {count|object lies|objects lie} in destinations that did not answer: the next run sees to them.',
} as const;
