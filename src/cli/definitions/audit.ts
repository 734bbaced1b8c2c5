import { Argument, InvalidArgumentError, Option } from 'commander';
import { languages } from '../../text/language.ts';
import { say } from '../../text/voice.ts';
import { type Cli, examples } from '../define.ts';
import { firstMoment, moment, momentHelp } from '../moment.ts';

/** What happened, shown to somebody who does not trust whoever runs this. */
export function defineAuditCommands({ command, run }: Cli): void {
  const audit = command('audit', say('help', 'audit')).addHelpText(
    'after',
    examples('holdfast audit public-key > audit.pub', 'holdfast audit verify --public-key audit.pub'),
  );
  command('verify', say('help', 'audit_verify'), audit)
    .option('--public-key <file>', say('help', 'audit_verify_public_key'))
    .option('--begin <number>', say('help', 'audit_verify_begin'), headNumber, 1)
    .addHelpText(
      'after',
      `
${say('help', 'audit_verify_about')}
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
  command('export', say('help', 'audit_export'), audit)
    .addOption(beginning().makeOptionMandatory())
    .option('--to <time>', say('help', 'audit_export_to'), moment)
    .option('--output <file>', say('help', 'audit_export_output'))
    .addHelpText(
      'after',
      `
${say('help', 'audit_export_about')}
${examples(
  'holdfast audit export --from 2026-11-01 --to 2026-11-30 --output november.jsonl',
  'holdfast audit export --from 3h | head -n -1 | jq .event.step',
)}${momentHelp()}`,
    )
    .action(
      run(async (session, options) =>
        (await import('../commands/audit-export.ts')).runAuditExport(session, options),
      ),
    );
  command('public-key', say('help', 'audit_public_key'), audit)
    .addHelpText(
      'after',
      `
${say('help', 'audit_public_key_about')}
${examples('holdfast audit public-key > audit.pub')}`,
    )
    .action(
      run(async (session) => (await import('../commands/audit-public-key.ts')).runAuditPublicKey(session)),
    );

  command('prove', say('help', 'prove'))
    .argument('<source:path>', say('help', 'prove_source_path'))
    .option('--version <id>', say('help', 'prove_version'))
    .option('--withhold-path', say('help', 'prove_withhold_path'))
    .requiredOption('--output <file>', say('help', 'prove_output'))
    .addHelpText(
      'after',
      `
${say('help', 'prove_about')}
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

  const report = command('report', say('help', 'report'))
    .addArgument(
      new Argument('<what>', say('help', 'report_what')).choices([
        'run',
        'failures',
        'missing',
        'unprotected',
        'holds',
        'quarantine',
      ]),
    )
    .argument('[id]', say('help', 'report_id'))
    .option('--csv', say('help', 'report_csv'))
    .addHelpText(
      'after',
      `
  ${say('help', 'report_about')}
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
  command('compliance', say('help', 'report_compliance'), report)
    .addOption(beginning().makeOptionMandatory())
    .option('--to <time>', say('help', 'report_to'), moment)
    .option('--law <id>', say('help', 'report_compliance_law'), 'cm-2024-017')
    .addOption(new Option('--lang <language>', say('help', 'report_compliance_lang')).choices(languages))
    .option('--output <file>', say('help', 'report_output'))
    .option('--include-paths', say('help', 'report_compliance_paths'))
    .addHelpText(
      'after',
      `
${say('help', 'report_compliance_about')}
${examples(
  'holdfast report compliance --from 2026-01-01 --to 2026-06-30 --output first-half.html',
  'holdfast report compliance --from 2026-01-01 --lang fr > rapport.html',
  'holdfast report compliance --from 30d --law gdpr --json',
)}${momentHelp()}`,
    )
    .action(
      run(async (session, options) =>
        (await import('../commands/report-compliance.ts')).runReportCompliance(session, options),
      ),
    );
  command('query', say('help', 'report_query'), report)
    .argument('[name]', say('help', 'report_query_name'))
    .addOption(beginning())
    .option('--to <time>', say('help', 'report_to'), moment)
    .option('--rows', say('help', 'report_query_rows'))
    .option('--sql', say('help', 'report_query_sql'))
    .option('--include-paths', say('help', 'report_query_paths'))
    .addHelpText(
      'after',
      `${examples(
        'holdfast report query',
        'holdfast report query uploads_unscanned --from 2026-01-01 --to 2026-06-30 --rows',
        'holdfast report query incidents --from 2026-01-01 --json',
        'holdfast report query uploads --sql',
      )}${momentHelp()}`,
    )
    .action(
      run(async (session, name, options) =>
        (await import('../commands/report-query.ts')).runReportQuery(session, name, options),
      ),
    );

  command('usage', say('help', 'usage'))
    .argument('[source]', say('help', 'usage_source'))
    .option('--csv', say('help', 'usage_csv'))
    .addHelpText(
      'after',
      `${examples('holdfast usage', 'holdfast usage documents --json', 'holdfast usage --csv > usage.csv')}
${say('help', 'usage_about')}`,
    )
    .action(
      run(async (session, source, options) =>
        (await import('../commands/usage.ts')).runUsage(session, source, options),
      ),
    );
}

const beginning = (): Option =>
  new Option('--from <time>', say('help', 'report_from')).argParser(firstMoment);

function headNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError(say('help', 'usage_invalid'));
  return number;
}
