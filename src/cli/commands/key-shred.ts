import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../domain/failures.ts';
import { deleteDue } from '../../keys/keep-keyring.ts';
import { cancelShredding, planShredding, requestShredding, type ShredPlan } from '../../keys/shred.ts';
import { policiesFolder } from '../../policy/installed.ts';
import { readOperatorData } from '../../policy/operator-data.ts';
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
    if (scope === undefined) throw new Failure('usage', { detail: 'Name the scope, or give --run-due.' });
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
      ? await confirm(`Type "${printable(words)}" to go on: `, words)
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
      ? `Being shredded: pending until ${localTime(plan.pendingUntil)}. Until then it can be taken back: holdfast key shred --cancel ${printable(scope)}`
      : `Nothing was done. To do it: holdfast key shred ${printable(scope)} --confirm "${printable(words)}"`,
  );
}

async function describe(session: Session, plan: ShredPlan): Promise<void> {
  const { output } = session;
  const { scope, shares, pendingUntil, copies, keys } = plan;
  output.line(
    `Shredding the scope ${printable(scope)} (${keys} ${keys === 1 ? 'key' : 'keys'}) makes unreadable, for ever:`,
  );
  if (shares.length === 0) output.line('  nothing: no file is sealed under it.');
  for (const share of shares) {
    output.line(
      `  ${share.source}: ${share.files} files in ${share.versions} versions, ${bytes(share.bytes)}`,
    );
    if (share.inSource > 0)
      output.line(
        `    ${share.inSource} of the files still lie in the source: they and their names stay there.`,
      );
  }
  output.line(
    `When: the last lock on a key ends on ${localTime(pendingUntil)}; the keys are deleted then, everywhere.`,
  );
  output.line('Until then nothing more is sealed under the scope, and it can be taken back.');
  output.line('What it cannot reach:');
  for (const { kind, actor, at } of copies)
    output.line(`  a copy of the keyring (${kind}) that ${printable(actor)} made on ${localTime(at)}`);
  output.line('  copies of the state folder: other machines, backups of this one');
  output.line('  the audit trail: it keeps the hash of each content (never a name), because it is a chain');
  output.line(
    `  Passwords and recovery kits alone open nothing of it once the keys are deleted; with such a copy they do.`,
  );
  const policies = await policiesThatName(session, scope);
  if (policies.length > 0) {
    output.line(
      `WARNING: policy still names it (${policies.join(', ')}): such files will fail with scope_shredding.`,
    );
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
  output.result(
    { scope, state: 'cancelled' },
    () => `The scope ${printable(scope)} is kept; its locks are renewed.`,
  );
}

async function runDue(session: Session, desk: KeyDesk): Promise<void> {
  const { output } = session;
  const { retired, shredded } = await deleteDue({ ...desk, places: await desk.deletingPlaces() });
  for (const { scope: _, ...progress } of shredded) await desk.record('shred-due', progress);
  if (shredded.some(({ isDone }) => isDone)) await desk.renewServices(desk.password);
  output.value({ retired, shredded });
  output.line(`Replaced documents: ${retired.deleted} deleted, ${retired.locked} still locked.`);
  for (const { scope, isDone, deleted, locked } of shredded) {
    output.line(
      `${printable(scope)}: ${isDone ? 'shredded' : `pending, ${locked} still locked`} (${deleted} deleted).`,
    );
  }
  if (retired.denied + shredded.reduce((sum, { denied }) => sum + denied, 0) > 0)
    output.line('WARNING: these credentials may not delete: run this with those of the retention role.');
}
