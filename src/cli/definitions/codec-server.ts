import { InvalidArgumentError } from 'commander';
import { type Cli, examples } from '../define.ts';

/** Seeing decrypted payloads in Temporal's Web UI. */
export function defineCodecServerCommands({ command, run }: Cli): void {
  const server = command('codec-server', "decrypt payloads for Temporal's Web UI, as long as it runs")
    .addHelpText(
      'after',
      `${examples('holdfast codec-server token awa', 'holdfast codec-server', 'holdfast codec-server revoke awa')}
Whoever is to see what workflows were given and answered gets a token, opens the printed address, and signs in. Each access is
recorded under the token's name. The Web UI reaches it from the browser: without a certificate only on this machine.
Ctrl-C ends it. Start it again after \`key rotate\`: it knows the keys of when it was started.`,
    )
    .action(run(async (session) => (await import('../commands/codec-server.ts')).runCodecServer(session)));

  command('token', 'let somebody see decrypted payloads: prints a token', server)
    .argument('<name>', 'whose it is, as the audit trail names them')
    .option('--hours <count>', 'how long it is valid', hours, 8)
    .addHelpText(
      'after',
      examples('holdfast codec-server token awa', 'holdfast codec-server token auditor --hours 72'),
    )
    .action(
      run(async (session, name, options) =>
        (await import('../commands/codec-server.ts')).runCodecToken(session, name, options),
      ),
    );

  command('tokens', 'who may see decrypted payloads, and how long', server)
    .addHelpText('after', examples('holdfast codec-server tokens'))
    .action(run(async (session) => (await import('../commands/codec-server.ts')).runCodecTokens(session)));

  command('revoke', 'take a token back', server)
    .argument('<name>', 'whose it is')
    .addHelpText('after', examples('holdfast codec-server revoke auditor'))
    .action(
      run(async (session, name) =>
        (await import('../commands/codec-server.ts')).runCodecRevoke(session, name),
      ),
    );
}

function hours(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 720) throw new InvalidArgumentError('1 to 720 hours.');
  return count;
}
