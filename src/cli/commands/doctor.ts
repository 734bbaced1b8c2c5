import { Catalog } from '../../catalog/catalog.ts';
import { openPool } from '../../catalog/database.ts';
import type { DoctorDestination, Patient } from '../../doctor/check.ts';
import { checkNames, examine, type NamedFinding } from '../../doctor/examine.ts';
import { Failure } from '../../domain/failures.ts';
import { keyringDocuments } from '../../keys/keyring-files.ts';
import { supervisorStatus } from '../../stack/control.ts';
import { endpoints, runningFrom } from '../../stack/endpoints.ts';
import { openS3Store } from '../../storage/s3-store.ts';
import { say } from '../../text/voice.ts';
import { languageIn } from '../incident-rows.ts';
import { printable } from '../output.ts';
import { type Session, sessionConfig } from '../session.ts';

const labels = { ok: 'ok      ', warning: 'WARNING ', problem: 'PROBLEM ' } as const;

/**
 * Looks at everything that people find out too late, and says what it means and what to do. Needs no password. Exit code 0, also
 * with warnings; 1 with a problem.
 */
export async function runDoctor(
  session: Session,
  { only = [] }: { readonly only?: readonly string[] },
): Promise<number> {
  const unknown = only.find((name) => !checkNames.includes(name));
  if (unknown !== undefined)
    throw new Failure('usage', {
      detail: say('status', 'no_check', { name: unknown, names: checkNames.join(', ') }),
    });
  const { output } = session;
  const open: (() => unknown)[] = [];
  const found: NamedFinding[] = [];
  try {
    for await (const finding of examine(await patientOf(session, open), only)) {
      found.push(finding);
      output.line(`${labels[finding.state]}${finding.check}: ${printable(finding.what)}`);
      if (finding.means !== undefined) output.line(`          ${printable(finding.means)}`);
      if (finding.todo !== undefined) output.line(`        → ${printable(finding.todo)}`);
    }
  } finally {
    for (const close of open) await close();
  }
  output.value({ findings: found });
  return found.some(({ state }) => state === 'problem') ? 1 : 0;
}

/** Catalog and destinations are opened once, when a check first asks for them; `open` takes how to close them. */
async function patientOf(session: Session, open: (() => unknown)[]): Promise<Patient> {
  const { paths } = session;
  const config = sessionConfig(session);
  const status = await supervisorStatus(paths);
  const where = endpoints(config, paths, runningFrom(status));
  let catalog: Promise<Catalog> | undefined;
  let destinations: Promise<DoctorDestination[]> | undefined;
  const openCatalog = async (): Promise<Catalog> => {
    const opened = new Catalog(await openPool({ ...where.catalogWriter, maxConnections: 2 }));
    open.push(() => opened.close());
    await opened.ping();
    return opened;
  };
  const openDestinations = () =>
    Promise.all(
      config.destinations.map(async (destination) => {
        const store = await openS3Store(where.s3(destination, 'agent'));
        open.push(() => store.close());
        return { config: destination, store };
      }),
    );
  return {
    config,
    home: paths.home,
    configPath: session.configPath,
    language: languageIn(session),
    hasPasswordInEnvironment: (session.env.HOLDFAST_PASSWORD ?? '') !== '',
    status,
    endpoints: where,
    documents: await keyringDocuments(paths.home),
    catalog() {
      catalog ??= openCatalog();
      return catalog;
    },
    destinations() {
      destinations ??= openDestinations();
      return destinations;
    },
  };
}
