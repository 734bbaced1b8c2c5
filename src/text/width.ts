const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Scripts and signs that take two columns of a terminal (Unicode TR 11, classes W and F; emoji). */
const wide =
  /^(?:[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Script=Yi}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|\p{Emoji}\ufe0f)/u;
const printedAscii = /^[\x20-\x7e]*$/;

/** Columns that a text takes on a terminal: what people see as one sign counts once, East Asian signs and emoji twice. */
export function displayWidth(text: string): number {
  if (printedAscii.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    if (/^[\p{Mn}\p{Me}\p{Cf}]+$/u.test(segment)) continue;
    width += wide.test(segment) ? 2 : 1;
  }
  return width;
}
