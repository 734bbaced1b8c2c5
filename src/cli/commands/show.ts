import { pipelineSteps } from '../../audit/event.ts';
import { stepsOfVersion, type ToldStep } from '../../catalog/audit-query.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { Failure } from '../../domain/failures.ts';
import type { Id } from '../../domain/records.ts';
import { say } from '../../text/voice.ts';
import { bytes, localTime, printable, table } from '../output.ts';
import { pathFields } from '../rows.ts';
import { type Session, withCatalog } from '../session.ts';
import { shownEntry } from '../shown-entry.ts';
import { toldFact } from '../told-fact.ts';
import { webUiLinks } from '../web-ui-links.ts';
import { labelled, nameOf, outcomeWithReason, reasonText, word } from '../words.ts';

interface ShownVersion {
  readonly versionId: Id;
  readonly observation: number;
  readonly kind: string;
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly sizeBytes: number;
  readonly sha512: string | null;
  readonly workflowId: string | null;
  readonly runId: Id;
  readonly observedAt: Date;
  readonly settledAt: Date | null;
  /** The signature that found its content infected after it was stored. */
  readonly infected: string | null;
}

/** Where a version's sealed file lies, or is to lie. */
interface ShownPlacement {
  readonly destination: string;
  readonly state: string;
  readonly objectKey: string | null;
  readonly s3VersionId: string | null;
  /** Of the sealed file in the object, bytes. */
  readonly offset: number;
  readonly length: number | null;
  readonly isInPack: boolean;
}

/** One entry's life story: its versions, and for the newest (or the one asked for) every step from the audit trail. */
export async function runShow(
  session: Session,
  target: string,
  options: { readonly version?: string },
): Promise<void> {
  const { output } = session;
  await withCatalog(session, async (catalog, where) => {
    const { source, path, version = options.version } = await shownEntry(catalog, target);
    const versions = await versionsOf(catalog, source, path);
    const wanted = version === undefined ? versions[0] : versions.find((v) => v.versionId === version);
    if (wanted === undefined)
      throw new Failure(versions.length === 0 ? 'path_unknown' : 'version_unknown', {
        version: version ?? '',
      });
    const placements = await placementsOf(catalog, wanted.versionId);
    const events = (await stepsOfVersion(catalog, wanted.versionId)).sort(
      (a, b) => a.at.getTime() - b.at.getTime(),
    );
    const steps = pipelineSteps.flatMap((step) => events.filter((event) => event.step === step));
    const others = events.filter((event) => !(pipelineSteps as readonly string[]).includes(event.step));
    const links = webUiLinks(where);
    const { workflowId } = wanted;
    const webUi = workflowId === null ? null : (links?.workflow(workflowId) ?? null);
    const holds = (await holdsOf(catalog, wanted.versionId)).map((hold) => ({
      ...hold,
      webUi: links?.workflow(hold.workflowId) ?? null,
    }));
    output.value({
      ...{ source, ...pathFields(path), ...wanted, webUi, holds },
      ...{ placements, steps, events: others, versions },
    });
    output.line(printable(`${source}:${path.toString('utf8')}`));
    output.line(
      table([
        [
          say('files', 'version'),
          say('files', 'version_value', { id: wanted.versionId, observation: wanted.observation }),
        ],
        [say('files', 'outcome'), outcomeWithReason(wanted.outcome ?? 'pending', wanted.reason)],
        ...(wanted.infected === null
          ? []
          : [[say('files', 'infected'), say('files', 'found_late', { signature: wanted.infected })]]),
        [say('files', 'kind'), `${word(wanted.kind)}, ${bytes(wanted.sizeBytes)}`],
        ['SHA-512', wanted.sha512 ?? say('files', 'none')],
        ...placements.map(placementRow),
        [say('files', 'workflow'), workflowId ?? say('files', 'none')],
        ...(webUi === null ? [] : [['', webUi]]),
        ...holds.map((hold) => [
          say('files', 'hold'),
          `${hold.holdId} ${word(hold.state)}  ${hold.webUi ?? ''}`,
        ]),
        [say('files', 'run'), say('files', 'run_value', { run: wanted.runId })],
      ]),
    );
    output.line();
    output.line(table([...stepLines(steps), ...others.map((event) => line('·', event))]));
    if (versions.length > 1) {
      output.line();
      output.line(
        table(
          versions.map((v) => [
            v.versionId,
            localTime(v.observedAt),
            word(v.outcome ?? 'pending'),
            v.infected === null
              ? reasonText(v.reason)
              : say('files', 'infected_by', { signature: v.infected }),
          ]),
        ),
      );
    }
  });
}

/** Nine lines, one for each step; a step that this version did not reach says so. */
function stepLines(events: readonly ToldStep[]): string[][] {
  return pipelineSteps.flatMap((step, index) => {
    const found = events.filter((event) => event.step === step);
    return found.length === 0
      ? [[`${index + 1}`, nameOf(step), '—', say('files', 'not_reached')]]
      : found.map((event) => line(`${index + 1}`, event));
  });
}

function line(number: string, event: ToldStep): string[] {
  const facts = Object.entries(event.facts).map(
    ([key, value]) => `${nameOf(key)}=${shortened(toldFact(key, value))}`,
  );
  return [
    number,
    nameOf(event.step),
    localTime(event.at),
    [event.destination, ...facts].filter(Boolean).join(' '),
  ];
}

/** Long values are hashes and keys: their beginning is enough for people, --json has them whole. */
function shortened(value: unknown): string {
  const text = Array.isArray(value) ? value.join(',') || word('none') : String(value);
  return text.length > 40 ? `${text.slice(0, 16)}…` : text;
}

function versionsOf(catalog: Catalog, source: string, path: Buffer): Promise<ShownVersion[]> {
  return catalog.rows<ShownVersion>(
    `select v.id as "versionId", v.observation, v.kind, v.outcome, v.reason, v.size_bytes as "sizeBytes",
            encode(v.sha512, 'hex') as sha512, v.workflow_id as "workflowId", v.run_id as "runId",
            v.observed_at as "observedAt", v.settled_at as "settledAt",
            v.late_signature as infected
     from versions v join entries e on e.id = v.entry_id join sources s on s.id = e.source_id
     where s.name = $1 and e.path = $2 order by v.observation desc limit 100`,
    [source, path],
  );
}

function placementRow(placement: ShownPlacement, index: number): string[] {
  const { destination, state, objectKey, offset, length, isInPack } = placement;
  const where = isInPack ? say('files', 'in_pack', { length: length ?? 0, offset }) : '';
  const object = objectKey === null ? '' : ` ${printable(objectKey)}${where}`;
  return [index === 0 ? say('files', 'stored') : '', labelled(destination, `${word(state)}${object}`)];
}

function placementsOf(catalog: Catalog, versionId: Id): Promise<ShownPlacement[]> {
  return catalog.rows<ShownPlacement>(
    `select p.destination, p.state, o.key as "objectKey", o.s3_version_id as "s3VersionId", p.byte_offset as offset,
            coalesce(p.length, o.length) as length, o.pack_id is not null as "isInPack"
     from placements p left join objects o on o.id = p.object_id where p.version_id = $1 order by p.destination`,
    [versionId],
  );
}

/** What waits, or waited, for a decision about a version. */
function holdsOf(
  catalog: Catalog,
  versionId: Id,
): Promise<{ readonly holdId: Id; readonly state: string; readonly workflowId: string }[]> {
  return catalog.rows(
    `select id as "holdId", state, 'hold:' || id as "workflowId" from holds where version_id = $1 order by destination`,
    [versionId],
  );
}
