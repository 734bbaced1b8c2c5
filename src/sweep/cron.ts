export const cronForm =
  'five fields: minute, hour, day of the month, month, day of the week; `30 1 * * *` is every day at 1:30';

/** The five fields of a cron line, each with its least and greatest number, and names for numbers from the least on. */
const fields: readonly {
  readonly least: number;
  readonly most: number;
  readonly names?: readonly string[];
}[] = [
  { least: 0, most: 59 },
  { least: 0, most: 23 },
  { least: 1, most: 31 },
  {
    ...{ least: 1, most: 12 },
    names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { least: 0, most: 7, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];

/**
 * Whether a schedule takes it: five fields (minute, hour, day of the month, month, day of the week) of numbers or names, with `*`,
 * lists, ranges and steps, as in crontab(5). Said when the configuration is read: a schedule that is refused would leave
 * a source without sweeps.
 */
export function isCron(line: string): boolean {
  const given = line.trim().split(/\s+/);
  return (
    given.length === fields.length &&
    fields.every((field, index) => (given[index] ?? '').split(',').every((part) => isPart(part, field)))
  );
}

function isPart(part: string, { least, most, names = [] }: (typeof fields)[number]): boolean {
  const [, from = '', to, step] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(part) ?? [];
  const numberOf = (text: string): number => {
    const name = names.indexOf(text.toLowerCase());
    if (name >= 0) return least + name;
    return /^\d+$/.test(text) ? Number(text) : Number.NaN;
  };
  if (step !== undefined && Number(step) < 1) return false;
  if (from === '*') return to === undefined;
  const [first, last] = [numberOf(from), numberOf(to ?? from)];
  return first >= least && last <= most && first <= last;
}
