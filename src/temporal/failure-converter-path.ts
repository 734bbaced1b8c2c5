import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The failure converter is loaded by its file's name, also into the workflow sandbox. */
export const failureConverterPath = fileURLToPath(
  new URL(`./failure-converter${extname(import.meta.filename)}`, import.meta.url),
);
