/**
 * Names from a disk may hold anything: what would steer the terminal, break the line or turn the direction of writing
 * is shown as `\xNN` or `\u{NNNN}`.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, (c) => {
    const hex = c.charCodeAt(0).toString(16);
    return hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`;
  });
}
