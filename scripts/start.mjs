#!/usr/bin/env node
/** `node scripts/start.mjs <script.ts> [argument…]`: runs a script of this checkout on the pinned Node 24. */
import { launch } from '../bin/launch.mjs';

const [script, ...args] = process.argv.slice(2);
if (script === undefined) {
  process.stderr.write('usage: node scripts/start.mjs <script.ts> [argument…]\n');
  process.exit(2);
}
await launch({ checkoutScript: script, args });
