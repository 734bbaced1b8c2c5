/** What of a text is nobody's business outside: taken out, so that what is left can be shown. Ids stay. */
export interface Secrets {
  /** This machine's name. */
  readonly hostName: string;
  /** Names of files of the sample. */
  readonly fileNames: readonly string[];
}

const addresses = /\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b|\blocalhost(?::\d{1,5})?\b/g;
/** Absolute paths of at least two parts, also as the end of a `file:` URL. */
const paths = /(?<![\w/.:])(?:file:\/\/)?\/[\w.@+-]+(?:\/[\w.@+-]+)+/g;

export function redacted(text: string, { hostName, fileNames }: Secrets): string {
  const named = [...fileNames].sort((a, b) => b.length - a.length);
  const withoutNames = named.reduce((rest, name) => rest.replaceAll(name, '<name>'), text);
  return withoutNames
    .replaceAll(paths, '<path>')
    .replaceAll(addresses, '<address>')
    .replaceAll(new RegExp(`\\b${escaped(hostName)}\\b`, 'g'), '<host>');
}

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
