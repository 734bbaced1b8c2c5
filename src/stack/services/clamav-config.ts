/**
 * A configuration file of ClamAV (clamd.conf(5), freshclam.conf(5)): one `Name value` a line. Text is quoted, because
 * a folder may hold spaces.
 */
export function configText(settings: Readonly<Record<string, string | number | boolean>>): string {
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${configValue(value)}`);
  return `${lines.join('\n')}\n`;
}

function configValue(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'string' && value.includes(' ') ? `"${value}"` : String(value);
}
