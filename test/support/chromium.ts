import { globSync } from 'node:fs';
import path from 'node:path';
import { type Browser, launch } from 'puppeteer-core';
import { Failure } from '../../src/domain/failures.ts';
import { resolvePaths } from '../../src/stack/paths.ts';
import { unpackedPackages } from '../../src/stack/toolchain/debian-packages.ts';
import { findProgram } from '../../src/stack/toolchain/find-program.ts';

/**
 * A browser without a window: the program in HOLDFAST_TEST_CHROMIUM, this machine's, or the distribution's, which is unpacked
 * into the tool cache. The caller closes it.
 */
export async function startBrowser(): Promise<Browser> {
  const { program, env } = await findChromium();
  return launch({
    executablePath: program,
    env: { ...process.env, ...env },
    args: [
      // Root may not use it, and the pages are our own.
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--disable-gpu',
      '--lang=en',
    ],
    defaultViewport: { width: 1440, height: 900 },
  });
}

async function findChromium(): Promise<{ readonly program: string; readonly env: NodeJS.ProcessEnv }> {
  const { PATH = '', HOLDFAST_TEST_CHROMIUM: named } = process.env;
  const own = named ?? findProgram('chromium', PATH, { forEveryUser: false });
  if (own !== undefined) return { program: own, env: {} };
  const folder = await unpackedPackages({
    cache: resolvePaths(process.env, process.getuid?.() ?? 0).cache,
    what: 'Chromium',
    packages: ['chromium', 'fonts-dejavu-core'],
    missing: () =>
      new Failure('tool_missing', { what: 'Chromium', command: 'sudo apt-get install chromium' }),
    onProgress: () => {},
  });
  const libraries = ['usr/lib/*-linux-gnu', 'usr/lib/*-linux-gnu/pulseaudio', 'lib/*-linux-gnu'].flatMap(
    (name) => globSync(path.join(folder, name)),
  );
  // Fonts are looked for in $XDG_DATA_HOME/fonts.
  const env = { LD_LIBRARY_PATH: libraries.join(':'), XDG_DATA_HOME: path.join(folder, 'usr/share') };
  return { program: path.join(folder, 'usr/lib/chromium/chromium'), env };
}
