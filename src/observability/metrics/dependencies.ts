import { Gauge, type Registry } from 'prom-client';
import type { ScannerFacts, SignatureSet } from '../../domain/records.ts';

const signatureSets: readonly SignatureSet[] = ['official', 'custom', 'builtin-test'];

/** What each service of this host answered when it was last asked. */
export class DependencyMetrics {
  private readonly up: Gauge<'dependency'>;
  private readonly signaturesAt: Gauge;
  private readonly signatureSet: Gauge<'set'>;
  private readonly areStale: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    this.up = new Gauge({
      name: 'holdfast_dependency_up',
      help: 'Whether the service answered when it was last asked, every 15 s.',
      labelNames: ['dependency'],
      registers,
    });
    this.signaturesAt = new Gauge({
      name: 'holdfast_signatures_timestamp_seconds',
      help: 'When the loaded malware signatures were published.',
      registers,
    });
    // Nobody was asked yet: that is no 1970.
    this.signaturesAt.remove();
    this.areStale = new Gauge({
      name: 'holdfast_signatures_stale',
      help: 'Whether they are too old for anything to be clean (policy.maxSignatureAge).',
      registers,
    });
    this.signatureSet = new Gauge({
      name: 'holdfast_signature_set',
      help: '1 for the set of signatures that is loaded. builtin-test knows nothing but the EICAR test file.',
      labelNames: ['set'],
      registers,
    });
    for (const set of signatureSets) this.signatureSet.set({ set }, 0);
  }

  /** Asks each; one that fails, or rejects, is down. */
  async ask(probes: Readonly<Record<string, () => Promise<unknown>>>): Promise<void> {
    await Promise.all(
      Object.entries(probes).map(async ([dependency, probe]) => {
        const answers = await probe().then(
          () => true,
          () => false,
        );
        this.up.set({ dependency }, answers ? 1 : 0);
      }),
    );
  }

  signatures({ signaturesAt, signatureSet }: ScannerFacts, isStale: boolean): void {
    this.signaturesAt.set(Date.parse(signaturesAt) / 1_000);
    this.areStale.set(isStale ? 1 : 0);
    for (const set of signatureSets) this.signatureSet.set({ set }, set === signatureSet ? 1 : 0);
  }
}
