import { auditEvent } from '../audit/event.ts';
import type { Catalog } from '../catalog/catalog.ts';
import {
  announceEpoch,
  beginEpoch,
  currentEpoch,
  type EpochRow,
  newestEpoch,
  noteTerms,
} from '../catalog/policy-query.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';

/** The bundle whose answers count. */
export interface Epoch {
  /** SHA-256 of the bundle, hex. */
  readonly revision: string;
  /** Whether answers of this bundle count from now on. */
  accepts(revision: string): Promise<boolean>;
}

/** One bundle and no other. */
export const only = (revision: string): Epoch => ({
  revision,
  accepts: async (other) => other === revision,
});

export interface EpochDeps {
  readonly catalog: Catalog;
  readonly ids: Ids;
  readonly hostId: Id;
  /** What a bundle says of each source it knows, where this host made it. */
  termsOf(revision: string): ReadonlyMap<Id, string>;
}

/**
 * The policy epoch of one host's worker. It moves on only to the bundle that was announced last in the catalog, and once
 * moved it never takes an older one's answers: whatever else OPA may have loaded, by accident or by somebody's hand, decides
 * nothing. Each move is an audit event.
 */
export class PolicyEpoch implements Epoch {
  private readonly deps: EpochDeps;
  private current: string;
  private asked: { revision: string; at: number; answer: Promise<boolean> } | undefined;

  private constructor(deps: EpochDeps, revision: string) {
    this.deps = deps;
    this.current = revision;
  }

  /** @param loaded what OPA has loaded when the worker starts: what its supervisor gave it counts */
  static async begin(deps: EpochDeps, loaded: string): Promise<PolicyEpoch> {
    const { catalog, hostId } = deps;
    let newest = await newestEpoch(catalog, hostId);
    if (newest?.revision !== loaded) {
      await announceEpoch(catalog, { hostId, revision: loaded, actor: 'holdfast' });
      newest = await newestEpoch(catalog, hostId);
    }
    const epoch = new PolicyEpoch(deps, loaded);
    // Also one that began before: the worker may have died before it told.
    if (newest?.revision === loaded) await epoch.move(newest);
    return epoch;
  }

  get revision(): string {
    return this.current;
  }

  async accepts(revision: string): Promise<boolean> {
    if (revision === this.current) return true;
    // Many answers of the same bundle come at once; and one that is not announced is asked for again a second later.
    if (this.asked?.revision !== revision || Date.now() - this.asked.at > 1_000) {
      const answer = this.follow(revision);
      answer.catch(() => {
        this.asked = undefined;
      });
      this.asked = { revision, at: Date.now(), answer };
    }
    return this.asked.answer;
  }

  private async follow(revision: string): Promise<boolean> {
    const newest = await newestEpoch(this.deps.catalog, this.deps.hostId);
    if (newest?.revision !== revision) return false;
    return this.move(newest);
  }

  /** What makes it count comes first, then what tells of it; both change nothing when they are repeated. */
  private async move({ number, revision, actor }: EpochRow): Promise<boolean> {
    const { catalog, ids, hostId, termsOf } = this.deps;
    await noteTerms(catalog, revision, termsOf(revision));
    if (!(await beginEpoch(catalog, hostId, number))) return false;
    const from = await currentEpoch(catalog, hostId, number);
    const subject = ids.policyEpoch(hostId, number);
    await catalog.write({
      events: [
        auditEvent(ids, {
          ...{ subject, step: 'policy_switch', run: subject, host: hostId, actor },
          facts: { to: revision, ...(from === undefined ? {} : { from: from.revision }) },
        }),
      ],
    });
    this.current = revision;
    return true;
  }
}
