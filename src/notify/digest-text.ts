import type { DigestFacts } from '../catalog/digest-query.ts';
import type { Config } from '../config.ts';
import type { ConditionKind } from '../domain/notifications.ts';
import type { Texts } from '../text/texts.ts';
import { timeIn } from '../text/time.ts';
import type { Parts } from './compose.ts';

/** What a digest is written from. */
export interface Digest extends DigestFacts {
  /** ISO 8601 UTC. */
  readonly from: string;
  readonly to: string;
  /** What lasted when it was made. */
  readonly lasting: readonly {
    readonly kind: ConditionKind;
    readonly facts: Readonly<Record<string, string | number>>;
  }[];
}

/** What happened since the last digest, and what needs somebody. */
export function digestParts({ timezone }: Pick<Config, 'timezone'>, say: Texts, digest: Digest): Parts {
  const { lasting, incidents } = digest;
  const attention = lasting.length + (incidents > 0 ? 1 : 0);
  const subjects = lasting.map(({ kind, facts }) =>
    say('messages', kind, {
      ...{ source: '', host: '', channel: '', count: 0, percent: 0, days: 0, span: '' },
      ...facts,
    }),
  );
  const lines = [
    say('messages', 'digest_what', {
      from: timeIn(timezone, new Date(digest.from)),
      to: timeIn(timezone, new Date(digest.to)),
    }),
    say('messages', 'digest_uploaded', { count: digest.stored, bytes: mebibytes(digest.storedBytes) }),
    say('messages', 'digest_sweeps', { complete: digest.sweepsComplete, other: digest.sweepsOther }),
    say('messages', 'digest_failed', { count: digest.failed }),
    say('messages', 'digest_held', { count: digest.held }),
    say('messages', 'digest_quarantined', { count: digest.quarantined }),
    say('messages', 'digest_incidents', { count: incidents, overdue: digest.overdue }),
    say('messages', 'digest_verified', { checked: digest.objectsVerified, mismatches: digest.mismatches }),
    ...(subjects.length === 0 ? [] : ['', say('messages', 'digest_conditions'), ...subjects]),
  ];
  return {
    subject: say('messages', 'digest', {
      summary:
        attention === 0
          ? say('messages', 'digest_well')
          : say('messages', 'digest_attention', { count: attention }),
    }),
    what: lines.join('\n'),
    todo: say('messages', attention === 0 ? 'digest_todo_well' : 'digest_todo'),
  };
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
