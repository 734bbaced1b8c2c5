import { InvalidArgumentError } from 'commander';
import { say } from '../../text/voice.ts';
import { type Cli, examples } from '../define.ts';

/** Seeing decrypted payloads in Temporal's Web UI. */
export function defineCodecServerCommands({ command, run }: Cli): void {
  const server = command('codec-server', say('help', 'codec_server'))
    .addHelpText(
      'after',
      `${examples('holdfast codec-server token awa', 'holdfast codec-server', 'holdfast codec-server revoke awa')}
${say('help', 'codec_server_about')}`,
    )
    .action(run(async (session) => (await import('../commands/codec-server.ts')).runCodecServer(session)));

  command('token', say('help', 'codec_server_token'), server)
    .argument('<name>', say('help', 'codec_server_token_name'))
    .option('--hours <count>', say('help', 'codec_server_token_hours'), hours, 8)
    .addHelpText(
      'after',
      examples('holdfast codec-server token awa', 'holdfast codec-server token auditor --hours 72'),
    )
    .action(
      run(async (session, name, options) =>
        (await import('../commands/codec-server.ts')).runCodecToken(session, name, options),
      ),
    );

  command('tokens', say('help', 'codec_server_tokens'), server)
    .addHelpText('after', examples('holdfast codec-server tokens'))
    .action(run(async (session) => (await import('../commands/codec-server.ts')).runCodecTokens(session)));

  command('revoke', say('help', 'codec_server_revoke'), server)
    .argument('<name>', say('help', 'codec_server_revoke_name'))
    .addHelpText('after', examples('holdfast codec-server revoke auditor'))
    .action(
      run(async (session, name) =>
        (await import('../commands/codec-server.ts')).runCodecRevoke(session, name),
      ),
    );
}

function hours(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 720)
    throw new InvalidArgumentError(say('help', 'codec_server_revoke_invalid'));
  return count;
}
