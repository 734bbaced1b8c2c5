import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../domain/failures.ts';
import { deleteDue } from '../../keys/keep-keyring.ts';
import { cancelShredding, planShredding, requestShredding, type ShredPlan } from '../../keys/shred.ts';
import { policiesFolder } from '../../policy/installed.ts';
import { readOperatorData } from '../../policy/operator-data.ts';
import { say } from '../../text/voice.ts';
import { confirm } from '../confirm.ts';
import { type KeyDesk, withKeyDesk } from '../key-desk.ts';
import { bytes, localTime, printable } from '../output.ts';
import { type Session, sessionConfig } from '../session.ts';

export interface ShredOptions {
  readonly confirm?: string;
  readonly dryRun?: boolean;
  readonly cancel?: boolean;
  readonly runDue?: boolean;
}

/**
 * Makes everything that is sealed under a scope unreadable, by letting its keys go. Says what that is; does it only when it is
 * confirmed in the very words.
 */
export async function runKeyShred(
  session: Session,
  scope: string | undefined,
  options: ShredOptions,
): Promise<void> {
  await withKeyDesk(session, async (desk) => {
    if (options.runDue) return runDue(session, desk);
    if (scope === undefined) throw new Failure('usage', { detail: say('keys', 'name_scope') });
    if (options.cancel) return cancel(session, desk, scope);
    return shred(session, desk, scope, options);
  });
}

async function shred(session: Session, desk: KeyDesk, scope: string, options: ShredOptions): Promise<void> {
  const { output } = session;
  const plan = await planShredding(scope, desk);
  const words = `shred ${scope}`;
  await describe(session, plan);
  const isAgreed =
    !options.dryRun &&
    (options.confirm === undefined
      ? await confirm(say('keys', 'type_words', { words: printable(words) }), words)
      : options.confirm === words);
  if (!isAgreed && options.confirm !== undefined)
    throw new Failure('not_confirmed', { flag: `--confirm "${words}"` });
  if (isAgreed) {
    await requestShredding(desk.catalog, plan, session.actor);
    await desk.record('shred', {
      scope: plan.scopeId,
      keys: plan.keys,
      pendingUntil: plan.pendingUntil.toISOString(),
    });
    await desk.renewServices(desk.password);
  }
  output.value({ ...plan, state: isAgreed ? 'pending' : 'dry run' });
  output.line(
    isAgreed
      ? say('keys', 'pending_until', { at: localTime(plan.pendingUntil), scope: printable(scope) })
      : say('keys', 'nothing_done', { scope: printable(scope), words: printable(words) }),
  );
}

async function describe(session: Session, plan: ShredPlan): Promise<void> {
  const { output } = session;
  const { scope, shares, pendingUntil, copies, keys } = plan;
  output.line(
    say('keys', 'shreds', {
      scope: printable(scope),
      count: keys,
      what: keys === 1 ? say('keys', 'one_key') : say('keys', 'many_keys'),
    }),
  );
  if (shares.length === 0) output.line(`  ${say('keys', 'shreds_nothing')}`);
  for (const share of shares) {
    output.line(
      `  ${say('keys', 'share', { source: share.source, files: share.files, versions: share.versions, bytes: bytes(share.bytes) })}`,
    );
    if (share.inSource > 0) output.line(`    ${say('keys', 'still_in_source', { count: share.inSource })}`);
  }
  output.line(say('keys', 'when', { at: localTime(pendingUntil) }));
  output.line(say('keys', 'until_then'));
  output.line(say('keys', 'cannot_reach'));
  for (const { kind, actor, at } of copies)
    output.line(`  ${say('keys', 'copy_made', { kind, actor: printable(actor), at: localTime(at) })}`);
  output.line(`  ${say('keys', 'state_copies')}`);
  output.line(`  ${say('keys', 'audit_keeps')}`);
  output.line(`  ${say('keys', 'passwords_alone')}`);
  const policies = await policiesThatName(session, scope);
  if (policies.length > 0) {
    output.line(say('keys', 'policy_names', { policies: policies.join(', ') }));
  }
}

/** Files of policy data in which the scope stands. */
async function policiesThatName(session: Session, scope: string): Promise<string[]> {
  const { data, bundle } = sessionConfig(session).policy;
  const folder = bundle?.dir ?? policiesFolder(session.paths.home);
  const named = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('data.json'))
    .filter((name) => readFileSync(join(folder, name), 'utf8').includes(JSON.stringify(scope)));
  if (data === undefined) return named;
  const own = JSON.stringify(await readOperatorData(data));
  return own.includes(JSON.stringify(scope)) ? [...named, data] : named;
}

async function cancel({ output }: Session, desk: KeyDesk, scope: string): Promise<void> {
  await cancelShredding(scope, desk);
  await desk.record('shred-cancelled', { keys: desk.keyring.scopes.get(scope)?.length ?? 0 });
  await desk.renewServices(desk.password);
  output.result({ scope, state: 'cancelled' }, () => say('keys', 'scope_kept', { scope: printable(scope) }));
}

async function runDue(session: Session, desk: KeyDesk): Promise<void> {
  const { output } = session;
  const { retired, shredded } = await deleteDue({ ...desk, places: await desk.deletingPlaces() });
  for (const { scope: _, ...progress } of shredded) await desk.record('shred-due', progress);
  if (shredded.some(({ isDone }) => isDone)) await desk.renewServices(desk.password);
  output.value({ retired, shredded });
  output.line(say('keys', 'retired', { deleted: retired.deleted, locked: retired.locked }));
  for (const { scope, isDone, deleted, locked } of shredded) {
    output.line(
      say('keys', 'scope_state', {
        scope: printable(scope),
        state: isDone ? say('keys', 'state_shredded') : say('keys', 'state_pending', { locked }),
        deleted,
      }),
    );
  }
  if (retired.denied + shredded.reduce((sum, { denied }) => sum + denied, 0) > 0)
    output.line(say('keys', 'may_not_delete'));
}
