/** What one of each unit is in bytes a second. Small b and `bit` are bits, capital B is bytes: providers sell bits. */
const units: Readonly<Record<string, number>> = {
  bit: 1 / 8,
  kbit: 1e3 / 8,
  Mbit: 1e6 / 8,
  Gbit: 1e9 / 8,
  'kb/s': 1e3 / 8,
  'Mb/s': 1e6 / 8,
  'Gb/s': 1e9 / 8,
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  'kB/s': 1e3,
  'MB/s': 1e6,
  'GB/s': 1e9,
};

/** Below this no request would end before the server gives it up. Bytes a second. */
const leastRate = 8 * 1024;

export const rateForm =
  'a number with a unit per second: kbit, Mbit, Gbit (also Mb/s) for bits, KiB, MiB, GiB (also MB/s) for bytes; at least 8KiB';

/** A rate as people write it, in bytes a second; undefined where it is none, or less than {@link leastRate}. */
export function parseRate(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([A-Za-z]+(?:\/s)?)$/.exec(text.trim()) ?? [];
  const ofUnit = units[unit] ?? units[unit.replace(/\/s$/, '')];
  if (number === undefined || ofUnit === undefined) return undefined;
  const bytesPerSecond = Number(number) * ofUnit;
  return bytesPerSecond >= leastRate && Number.isFinite(bytesPerSecond) ? bytesPerSecond : undefined;
}

/**
 * A rate in both ways of counting, e.g. `256 KiB/s (2.1 Mbit/s)`.
 *
 * @param byteLetter how the language calls a byte, e.g. `o`
 */
export function rateText(bytesPerSecond: number, locale = 'en', byteLetter = 'B'): string {
  const steps = ['', 'Ki', 'Mi', 'Gi'];
  const rounded = (value: number): string =>
    new Intl.NumberFormat(locale, {
      useGrouping: false,
      maximumFractionDigits: value >= 100 ? 0 : 1,
    }).format(value);
  const step = Math.min(Math.floor(Math.log2(bytesPerSecond) / 10), steps.length - 1);
  const bits = bytesPerSecond * 8;
  const [bitUnit, perUnit] = bits >= 1e6 ? ['Mbit', 1e6] : ['kbit', 1e3];
  return `${rounded(bytesPerSecond / 2 ** (10 * step))} ${steps[step]}${byteLetter}/s (${rounded(bits / perUnit)} ${bitUnit}/s)`;
}
