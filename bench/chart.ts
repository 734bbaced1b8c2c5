import type { Aim } from './aims.ts';

const width = 720;
const rowHeight = 34;
const labelWidth = 300;
const barWidth = 300;

/** The aims as bars: how much of its target each one takes, with a line at the target. SVG, readable on dark pages too. */
export function chart(aims: readonly Aim[]): string {
  const height = rowHeight * aims.length + 50;
  const bars = aims.map(({ id, ratio, target, met }, index) => {
    const y = 34 + index * rowHeight;
    const length = Math.min(1.5, ratio / target) * (barWidth / 1.5);
    return [
      `<text x="${labelWidth - 10}" y="${y + 15}" text-anchor="end">${id}</text>`,
      `<rect x="${labelWidth}" y="${y}" width="${length.toFixed(1)}" height="20" fill="${met ? '#2b7a4b' : '#b3541e'}"/>`,
      `<text x="${labelWidth + barWidth + 10}" y="${y + 15}">${ratio.toFixed(2)} of ${target}</text>`,
    ].join('');
  });
  const line = labelWidth + barWidth / 1.5;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13" role="img" aria-label="Aims and what was measured">
<style>text{fill:#555}@media(prefers-color-scheme:dark){text{fill:#bbb}}</style>
<text x="${line}" y="20" text-anchor="middle">target</text>
${bars.join('\n')}
<line x1="${line}" y1="26" x2="${line}" y2="${height - 14}" stroke="#888" stroke-dasharray="4 3"/>
</svg>
`;
}
