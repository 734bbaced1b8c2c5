/** What `report` and `usage` tell. */
export const reports = {
  none_run: 'No file was settled in this run.',
  none_failures: 'Nothing failed.',
  none_missing: 'Disk and buckets have everything that the catalog knows.',
  none_unprotected: 'Everything that stands is protected.',
  none_holds: 'Nothing waits for a decision.',
  none_quarantine: 'Nothing was found infected.',
  run_id: 'Give the id of a run with `report run`, and only there.',
  not_looked: 'Nobody looked at {name}: it does not answer.',
  run_unknown: 'There is no run {id}: see `holdfast runs`.',
  lines: { one: '{count} line', other: '{count} lines' },
  no_source: 'No source was ever looked at.',
  holds: '{destination} holds {bytes} in {objects} objects{locked}.',
  source: '{source}: {files} files, {versions} versions of {bytes} in all',
  nothing_stored: 'Nothing is stored.',
  placed: '{destination}: {bytes} for {versions} versions{locked}',
  shared: '{shared} share what is stored, which saves {saved}; {packed} lie in packs',
  older: '{bytes} are of earlier states only: `holdfast retention plan` says when they go',
  unneeded:
    'nothing needs {bytes} any more: {freed} go with the next run of retention, the rest when their locks end',
  locked_until: 'locked until',
  locked_latest: ', locked until {until} at the latest',
} as const;
