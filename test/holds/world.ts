/** Held files on a real Postgres and real files, and people who decide about them. */
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import type { Id } from '../../src/domain/records.ts';
import type { HoldDeps } from '../../src/holds/deps.ts';
import { type HeldFile, heldFile } from '../../src/holds/held.ts';
import { type Statement, signStatement, statementOf, termsOf } from '../../src/holds/statement.ts';
import { denied, makeWorld, protectOnce, type World } from '../support/pipeline.ts';
import type { TestPostgres } from '../support/postgres.ts';

const repository = 'a'.repeat(32);
export const dayMs = 86_400_000;

export interface HoldWorld extends World {
  readonly deps: HoldDeps;
  readonly reminders: () => number;
  /** Registers somebody in the policy data. */
  register(name: string, ...classifications: string[]): KeyObject;
  /** Has a file held, as release denied it, and from then on lets go what somebody approved. */
  hold(path: string, content: string | Buffer): Promise<HeldFile>;
  /** Brings a signed decision, changed before or after it is signed. */
  attempt(held: HeldFile, key: KeyObject, approver: string, how?: Attempted): Promise<Id>;
  again(held: HeldFile): Promise<HeldFile>;
}

export interface Attempted {
  readonly verdict?: 'approve' | 'reject';
  readonly notAfter?: Date;
  /** What is signed in the place of what is true. */
  readonly signed?: Partial<Statement>;
  readonly runId?: Id;
}

export const anId = (): Id => randomBytes(16).toString('hex');

export async function holdWorld(server: TestPostgres): Promise<HoldWorld> {
  return withHolds(await makeWorld(server));
}

export function withHolds(world: World): HoldWorld {
  let reminded = 0;
  const deps: HoldDeps = {
    context: world.context,
    repository,
    expiresMs: 14 * dayMs,
    remindEveryMs: dayMs,
    metrics: {
      holdReminded: () => {
        reminded++;
      },
    },
  };
  const approvers = new Map<string, { name: string; publicKey: string; classifications: string[] }>();
  return Object.assign(world, {
    deps,
    reminders: () => reminded,
    register(name: string, ...classifications: string[]) {
      const { publicKey, privateKey } = generateKeyPairSync('ed25519');
      const all =
        classifications.length === 0 ? ['public', 'internal', 'confidential', 'restricted'] : classifications;
      approvers.set(name, {
        name,
        publicKey: publicKey.export({ format: 'jwk' }).x ?? '',
        classifications: all,
      });
      world.knobs.approvalTerms = {
        ...world.knobs.approvalTerms,
        approvers: [...approvers.values()],
      } as typeof world.knobs.approvalTerms;
      return privateKey;
    },
    async hold(path: string, content: string | Buffer) {
      world.write(path, content);
      world.knobs.release = denied('name_denied');
      const settled = await protectOnce(world.context, await world.entry(path));
      if (settled.next !== 'settled' || settled.holdId === undefined)
        throw new Error('the file was not held');
      world.knobs.release = ({ approvals = [] }) =>
        approvals.length > 0 ? { allow: true, reasons: [] } : denied('name_denied');
      return heldFile(world.catalog, settled.holdId);
    },
    async attempt(held: HeldFile, key: KeyObject, approver: string, how: Attempted = {}) {
      const {
        verdict = 'approve',
        notAfter = new Date(Date.now() + dayMs),
        signed = {},
        runId = anId(),
      } = how;
      const destination = world.context.destinations.get(held.destination);
      if (destination === undefined) throw new Error('no such destination');
      const terms = termsOf(repository, held, destination.config);
      const statement = statementOf(terms, { verdict, approver, notAfter: notAfter.toISOString() });
      const id = anId();
      await world.catalog.write({
        holdAttempt: {
          ...{ id, holdId: held.id, runId, verdict, approver },
          ...{
            decisionId: held.decisionId,
            sealedSha256: held.sealedSha256,
            notAfter: notAfter.toISOString(),
          },
          signature: signStatement({ ...statement, ...signed }, key),
          ...{ reason: null, actor: 'test' },
        },
        events: [],
      });
      return id;
    },
    again: (held: HeldFile) => heldFile(world.catalog, held.id),
  });
}
