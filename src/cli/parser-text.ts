import { type Command, Help } from 'commander';
import { argumentNames } from '../text/en/arguments.ts';
import { say, spoken } from '../text/voice.ts';

/** Headings of a help page, by what commander calls them. */
const titles = {
  'Usage:': 'title_usage',
  'Arguments:': 'title_arguments',
  'Options:': 'title_options',
  'Commands:': 'title_commands',
} as const;

const isArgumentName = (name: string): name is keyof typeof argumentNames => name in argumentNames;

/** What stands for a value, or the parts of it, as people call it: `source:path`, `hold`. */
const argumentIn = (name: string): string =>
  name.replaceAll(/[a-z]\w*/g, (part) => (isArgumentName(part) ? say('arguments', part) : part));

/** The same for all that stands in brackets: `--to <folder>`, `[options] [command]`. */
const argumentsIn = (usage: string): string =>
  usage.replaceAll(/<[^<>]+>|\[[^[\]]*\]/g, (bracketed) => argumentIn(bracketed));

const plain = new Help();

/** Has a command tell its help with headings, arguments, defaults and choices in the words of {@link say}. */
export function titled(command: Command): Command {
  return command.helpOption('-h, --help', say('help', 'help_option')).configureHelp({
    styleTitle: (title) => (title in titles ? say('help', titles[title as keyof typeof titles]) : title),
    commandUsage: (known) => argumentsIn(plain.commandUsage(known)),
    subcommandTerm: (known) => argumentsIn(plain.subcommandTerm(known)),
    optionTerm: (option) => argumentsIn(plain.optionTerm(option)),
    argumentTerm: (argument) => argumentIn(plain.argumentTerm(argument)),
    optionDescription: (option) => translated(option.description, option),
    argumentDescription: (argument) => translated(argument.description, argument),
  });
}

interface Described {
  /** An option's: whether it takes a value. Of one that takes none, no default is told. */
  readonly required?: boolean;
  readonly optional?: boolean;
  readonly argChoices?: readonly string[] | undefined;
  readonly defaultValue?: unknown;
  readonly defaultValueDescription?: string | undefined;
}

/** What commander writes behind a description: the choices there are, and the value without the option. */
function translated(description: string, described: Described): string {
  const { argChoices, defaultValue, defaultValueDescription } = described;
  const tellsDefault =
    !('optional' in described) || described.required === true || described.optional === true;
  const notes = [
    ...(argChoices
      ? [say('help', 'choices', { list: argChoices.map((one) => JSON.stringify(one)).join(', ') })]
      : []),
    ...(defaultValue === undefined || !tellsDefault
      ? []
      : [say('help', 'default', { value: defaultValueDescription ?? JSON.stringify(defaultValue) })]),
  ];
  return notes.length === 0 ? description : `${description} (${notes.join(', ')})`.trim();
}

/** What commander says of a command line that it cannot read, as it begins, and which text says the same. */
const errors = [
  [/^missing required argument '([^']+)'/, 'error_missing_argument'],
  [/^option '([^']+)' argument missing/, 'error_option_argument'],
  [/^required option '([^']+)' not specified/, 'error_required_option'],
  [/^unknown option '([^']+)'/, 'error_unknown_option'],
  [/^unknown command '([^']+)'/, 'error_unknown_command'],
] as const;

/** An error of commander in the language spoken; one that is not among those known stays English. */
export function parserError(text: string): string {
  if (spoken() === 'en') return text;
  const told = text.replace(/^error: /, '');
  const [, expected, count] =
    /^too many arguments.* Expected (\d+) arguments? but got (\d+)/.exec(told) ?? [];
  if (expected !== undefined && count !== undefined)
    return `${say('help', 'error', { text: say('help', 'error_too_many', { expected, count }) })}\n`;
  const [, name, value, detail] = /^option '([^']*)' argument '([^']*)' is invalid\. (.*)/s.exec(told) ?? [];
  if (name !== undefined && value !== undefined && detail !== undefined)
    return say('help', 'error', {
      text: say('help', 'error_invalid', { name: argumentsIn(name), value, detail }),
    });
  for (const [begins, key] of errors) {
    const found = begins.exec(told)?.[1];
    if (found === undefined) continue;
    const meant = /\(Did you mean ([^)]+)\?\)/.exec(told)?.[1];
    const hint = meant === undefined ? '' : `\n${say('help', 'error_did_you_mean', { name: meant })}`;
    const name = key === 'error_missing_argument' ? argumentIn(found) : argumentsIn(found);
    return `${say('help', 'error', { text: say('help', key, { name }) })}${hint}\n`;
  }
  return say('help', 'error', { text: told });
}
