import { html } from '../html.ts';

/** For the screen and for A4. Nothing is loaded from anywhere. */
export const style = html`
@page { size: A4; margin: 16mm 14mm 18mm; }
* { box-sizing: border-box; }
body { font: 10pt/1.4 'DejaVu Sans', 'Segoe UI', Arial, sans-serif; color: #1a1a1a; max-width: 190mm; margin: 0 auto; padding: 8mm 4mm; }
h1 { font-size: 20pt; margin: 0 0 2mm; }
h2 { font-size: 13pt; margin: 7mm 0 2mm; border-bottom: 0.4mm solid #1a1a1a; break-after: avoid; }
h3 { font-size: 11pt; margin: 6mm 0 1mm; break-after: avoid; }
h4 { font-size: 10pt; margin: 3mm 0 1mm; break-after: avoid; }
p { margin: 1mm 0; }
table { border-collapse: collapse; width: 100%; margin: 1mm 0 2mm; }
th, td { text-align: left; vertical-align: top; padding: 0.8mm 1.6mm; border-bottom: 0.2mm solid #bbb; overflow-wrap: anywhere; }
th { font-weight: 600; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
code, pre { font: 7.5pt/1.35 'DejaVu Sans Mono', Consolas, monospace; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; margin: 1mm 0 3mm; padding: 1.5mm; border: 0.2mm solid #bbb; }
small { color: #444; }
.warning { border: 0.8mm solid #8a1c1c; padding: 2.5mm; margin: 3mm 0; font-weight: 600; }
.state { font-weight: 600; white-space: nowrap; padding: 0 1.5mm; border: 0.3mm solid; }
.met { color: #14591d; } .met_with_exceptions { color: #7a4b00; } .not_met { color: #8a1c1c; }
.not_applicable { color: #555; } .unknown { color: #3d2b7a; }
.facts th { width: 34%; }
.samples { table-layout: fixed; }
.samples, .samples code { font-size: 7pt; }
.signatures { display: grid; grid-template-columns: repeat(3, 1fr); gap: 6mm; break-inside: avoid; }
.signatures p { margin-top: 20mm; border-top: 0.3mm solid #1a1a1a; padding-top: 1mm; }
@media print {
  body { font-size: 9pt; max-width: none; padding: 0; }
  th, td { padding: 0.45mm 1.6mm; }
  h2 { margin-top: 4mm; }
  .page { break-before: page; }
}`;
