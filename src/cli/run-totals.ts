/** A run's totals for people: those that are not 0. */
export const totalsText = (totals: Readonly<Record<string, number>>): string =>
  Object.entries(totals)
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
