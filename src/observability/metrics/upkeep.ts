import { Counter, type Registry } from 'prom-client';
import { verdictStates } from '../../domain/records.ts';
import { type Counts, counts } from './counts.ts';

/** What looking after stored content came to in this process. */
export class UpkeepMetrics {
  private readonly objects: Counts<'checked' | 'read'>;
  private readonly mismatches: Counts<'none' | 'repaired'>;
  private readonly rescans: Counts<string>;
  private readonly reminders: Counter;

  constructor(registry: Registry) {
    this.objects = counts(registry, 'depth', ['checked', 'read'], {
      name: 'holdfast_verify_objects_total',
      help: 'Objects that samples looked at, and what of them was read and decrypted.',
    });
    this.mismatches = counts(registry, 'remedy', ['none', 'repaired'], {
      name: 'holdfast_verify_mismatches_total',
      help: 'Objects, manifests and keyring documents that samples did not find as promised.',
    });
    this.rescans = counts(registry, 'result', [...verdictStates, 'unreadable'], {
      name: 'holdfast_rescanned_contents_total',
      help: 'Stored contents that were scanned again, by what was found.',
    });
    this.reminders = new Counter({
      name: 'holdfast_hold_reminders_total',
      help: 'Reminders of held files that wait for a decision.',
      registers: [registry],
    });
  }

  /** Counts a sample. Repaired mismatches count too: somebody did something. */
  verified(sample: { checked: number; read: number; mismatches: number; repaired: number }): void {
    this.objects.inc('checked', sample.checked);
    this.objects.inc('read', sample.read);
    this.mismatches.inc('none', sample.mismatches - sample.repaired);
    this.mismatches.inc('repaired', sample.repaired);
  }

  rescanned(result: string): void {
    this.rescans.inc(result);
  }

  /** A held file still waits. */
  holdReminded(): void {
    this.reminders.inc();
  }
}
