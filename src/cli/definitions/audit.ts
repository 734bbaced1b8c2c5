import { Argument, InvalidArgumentError, Option } from 'commander';
import { languages } from '../../text/language.ts';
import { type Cli, examples } from '../define.ts';
import { firstMoment, moment, momentHelp } from '../moment.ts';

/** What happened, shown to somebody who does not trust whoever runs this. */
export function defineAuditCommands({ command, run }: Cli): void {
  const audit = command('audit', 'the record of all that happened: verify, export, public-key').addHelpText(
    'after',
    examples('holdfast audit public-key > audit.pub', 'holdfast audit verify --public-key audit.pub'),
  );
  command('verify', 'look whether anybody changed, added, removed or cut off anything of the record', audit)
    .option('--public-key <file>', 'only what these keys signed counts; needs no password then')
    .option(
      '--begin <number>',
      'from this head on: for who knows why the record before it was lost',
      headNumber,
      1,
    )
    .addHelpText(
      'after',
      `
Holds every event against the signed heads in the database, and these against their anchors in the buckets, which nobody
can change. Only reads. Exit code 4 when anything is not as it was signed, 5 when a destination did not answer. What came
after the newest anchor rests on the database alone: it is told how much that is. See docs/audit.md.
${examples(
  'holdfast audit verify',
  'holdfast audit verify --public-key audit.pub --json',
  'holdfast audit verify --begin 4712',
)}`,
    )
    .action(
      run(async (session, options) =>
        (await import('../commands/audit-verify.ts')).runAuditVerify(session, options),
      ),
    );
  command('export', 'write the events of a time as signed JSON lines', audit)
    .addOption(beginning().makeOptionMandatory())
    .option('--to <time>', 'the last moment (default: now)', moment)
    .option('--output <file>', 'into this new file, and not to the terminal')
    .addHelpText(
      'after',
      `
The first line says what it is, each further one holds an event with its number, and the last one counts and signs them.
${examples(
  'holdfast audit export --from 2026-11-01 --to 2026-11-30 --output november.jsonl',
  'holdfast audit export --from 3h | head -n -1 | jq .event.step',
)}${momentHelp}`,
    )
    .action(
      run(async (session, options) =>
        (await import('../commands/audit-export.ts')).runAuditExport(session, options),
      ),
    );
  command('public-key', 'print the keys that the record is signed with, for whoever verifies it', audit)
    .addHelpText(
      'after',
      `
Hand them over on another way than the record itself, and again after \`holdfast key rotate\`, which adds one.
${examples('holdfast audit public-key > audit.pub')}`,
    )
    .action(
      run(async (session) => (await import('../commands/audit-public-key.ts')).runAuditPublicKey(session)),
    );

  command('prove', 'write what happened to a file so that somebody outside can verify it')
    .argument('<source:path>', 'the file')
    .option('--version <id>', 'this version of it, as `find --versions` prints it (default: the newest)')
    .option('--withhold-path', 'without path and name of the file; the name of the source stays')
    .requiredOption('--output <file>', 'the new file for the proof')
    .addHelpText(
      'after',
      `
The proof holds hashes, both decisions of policy with what was asked, the scanner's verdict, the lock as it was read back,
approvals with their signatures, and the way of each of these up to an anchor in the bucket. It is verified with
ops/audit/verify_proof.py, which needs Python and nothing of this program. See docs/audit.md.
${examples(
  'holdfast prove documents:contract.pdf --output contract.proof',
  'holdfast prove documents:contract.pdf --withhold-path --output some.proof',
  'python3 verify_proof.py --public-key audit.pub contract.proof',
)}`,
    )
    .action(
      run(async (session, target, options) =>
        (await import('../commands/prove.ts')).runProve(session, target, options),
      ),
    );

  const report = command('report', 'list what somebody has to know, as text, JSON or CSV')
    .addArgument(
      new Argument('<what>', 'which report').choices([
        'run',
        'failures',
        'missing',
        'unprotected',
        'holds',
        'quarantine',
      ]),
    )
    .argument('[id]', 'with `run`: the run, as `runs` prints it')
    .option('--csv', 'as CSV for spreadsheets, with a line of names; times in UTC')
    .addHelpText(
      'after',
      `
  run          what became of each file in a run
  failures     files, or copies in one destination, whose newest version failed
  missing      what the catalog knows and the disk or a bucket lacks; asks both, and takes the password
  unprotected  what stands and is not protected as it is now, with the last time it was
  holds        what waits for a decision
  quarantine   what was found infected, and what became of it
  compliance, query: see their own --help
${examples(
  'holdfast report unprotected',
  'holdfast report run 0123456789abcdef0123456789abcdef --json',
  'holdfast report failures --csv > failures.csv',
)}`,
    )
    .action(
      run(async (session, what, id, options) =>
        (await import('../commands/report.ts')).runReport(session, what, id, options),
      ),
    );
  command(
    'compliance',
    'write a report for an auditor: which duties of a law were met, by which numbers',
    report,
  )
    .addOption(beginning().makeOptionMandatory())
    .option('--to <time>', 'the last moment (default: now)', moment)
    .option('--law <id>', 'the mapping of articles to controls', 'cm-2024-017')
    .addOption(new Option('--lang <language>', 'language (default: that of LANG)').choices(languages))
    .option('--output <file>', 'into this new file, and not to the terminal')
    .option('--include-paths', 'name the files of samples and exceptions, not only their ids')
    .addHelpText(
      'after',
      `
One page of HTML, to be looked at in any browser and printed on A4: for each control the claim, the article that it answers,
numbers with samples, exceptions, and the signed head of the record that it rests on. Each number is the answer of one
query that anybody can ask again: \`report query\`. Takes the password, because who made a report is on record. With --json
the same numbers; the page goes into --output all the same. See docs/compliance.md.
${examples(
  'holdfast report compliance --from 2026-01-01 --to 2026-06-30 --output first-half.html',
  'holdfast report compliance --from 2026-01-01 --lang fr > rapport.html',
  'holdfast report compliance --from 30d --law gdpr --json',
)}${momentHelp}`,
    )
    .action(
      run(async (session, options) =>
        (await import('../commands/report-compliance.ts')).runReportCompliance(session, options),
      ),
    );
  command(
    'query',
    'ask again for one number of a compliance report; without a name: list what can be asked',
    report,
  )
    .argument('[name]', 'the query, as it stands beside the number')
    .addOption(beginning())
    .option('--to <time>', 'the last moment (default: now)', moment)
    .option('--rows', 'every row that was counted, the newest first')
    .option('--sql', 'print the statement and do not ask')
    .option('--include-paths', 'name files in rows')
    .addHelpText(
      'after',
      `${examples(
        'holdfast report query',
        'holdfast report query uploads_unscanned --from 2026-01-01 --to 2026-06-30 --rows',
        'holdfast report query incidents --from 2026-01-01 --json',
        'holdfast report query uploads --sql',
      )}${momentHelp}`,
    )
    .action(
      run(async (session, name, options) =>
        (await import('../commands/report-query.ts')).runReportQuery(session, name, options),
      ),
    );

  command('usage', 'tell how much is kept, where, and until when it is locked')
    .argument('[source]', 'only of this source')
    .option('--csv', 'as CSV for spreadsheets, a line for each source and destination; times in UTC')
    .addHelpText(
      'after',
      `${examples('holdfast usage', 'holdfast usage documents --json', 'holdfast usage --csv > usage.csv')}
For each source: files that stand, versions that can be restored, and how many bytes were read for them. For each of its
destinations: the encrypted bytes stored, what sharing and packs save, what only earlier states need, what nothing needs any
more, and when the locks end. What two sources share counts for both; the last lines count everything once. Manifests, keys and
anchors of the audit trail come on top. Asks only the catalog, and takes no password.`,
    )
    .action(
      run(async (session, source, options) =>
        (await import('../commands/usage.ts')).runUsage(session, source, options),
      ),
    );
}

const beginning = (): Option =>
  new Option('--from <time>', 'the first moment; of a date its beginning').argParser(firstMoment);

function headNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new InvalidArgumentError('The number of a head, from 1.');
  return number;
}
