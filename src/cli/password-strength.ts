import { Failure } from '../domain/failures.ts';
import { say, spoken } from '../text/voice.ts';

/** Fewer bytes than this fall to guessing, whatever the key derivation costs. */
const shortestBytes = 8;
/** Guesses that an attacker who knows people's habits needs at least; each costs 600,000 rounds of SHA-256. */
const leastGuesses = 1e8;
/** What the estimate looks at: it takes longer with every character, and nobody guesses that far. */
const longestEstimated = 128;

/** The password itself, when it is not easily guessed. Failure `weak_password`, with the reason. */
export async function requireStrong(password: Buffer): Promise<Buffer> {
  if (password.length < shortestBytes)
    throw new Failure('weak_password', { why: say('setup', 'too_short', { least: shortestBytes }) });
  const estimator = await openEstimator();
  const { guesses, feedback } = estimator.check(password.toString('utf8').slice(0, longestEstimated), [
    'holdfast',
  ]);
  if (guesses < leastGuesses) {
    const why = feedback.warning ?? say('setup', 'common_pattern');
    throw new Failure('weak_password', { why: insideOfSentence(why) });
  }
  return password;
}

/** A warning of the estimator is a sentence; ours goes on behind it, and writes apostrophes as print does. */
const insideOfSentence = (warning: string): string =>
  `${warning.charAt(0).toLowerCase()}${warning.slice(1)}`
    .replace(/\.$/, '')
    .replaceAll(/(?<=\p{L})'(?=\p{L})/gu, '’');

/** Half a second to load, so only for passwords that are about to be set. */
async function openEstimator() {
  const [{ ZxcvbnFactory }, common, english, french] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en'),
    import('@zxcvbn-ts/language-fr'),
  ]);
  return new ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary, ...french.dictionary },
    graphs: common.adjacencyGraphs,
    translations: (spoken() === 'fr' ? french : english).translations,
  });
}
