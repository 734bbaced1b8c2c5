/** One record of RFC 4180. What a spreadsheet would take as a formula, e.g. of a file's name, gets an apostrophe in front. */
export function csvRecord(cells: readonly string[]): string {
  return cells.map(csvCell).join(',');
}

function csvCell(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
