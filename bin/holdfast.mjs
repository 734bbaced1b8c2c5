#!/usr/bin/env node
import { launch } from './launch.mjs';

await launch({
  checkoutScript: 'src/cli/main.ts',
  packedScript: 'dist/src/cli/main.js',
  args: process.argv.slice(2),
});
