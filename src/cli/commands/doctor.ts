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
import { labelled, withName } from '../words.ts';

const states = ['ok', 'warning', 'problem'] as const;

/**
 * Looks at everything that people find out too late, and says what it means and what to do. Needs no password. Exit code 0, also
 * with warnings; 1 with a problem.
 */
export async function runDoctor(
  session: Session,
  { only = [] }: { readonly only?: readonly string[] },
): Promise<number> {
  const unknown = only.find((name) => !checkNames.some((known) => known === name));
  if (unknown !== undefined)
    throw new Failure('usage', {
      detail: say('status', 'no_check', { name: unknown, names: checkNames.join(', ') }),
    });
  const { output } = session;
  const open: (() => unknown)[] = [];
  const found: NamedFinding[] = [];
  const width = Math.max(...states.map((state) => say('doctor', `state_${state}`).length)) + 1;
  try {
    for await (const finding of examine(await patientOf(session, open), only)) {
      found.push(finding);
      const { state, check, what, means, todo } = finding;
      const label = say('doctor', `state_${state}`).padEnd(width);
      output.line(`${label}${labelled(withName(say('checks', check), check), printable(what))}`);
      if (means !== undefined) output.line(`${' '.repeat(width + 2)}${printable(means)}`);
      if (todo !== undefined) output.line(`${' '.repeat(width)}→ ${printable(todo)}`);
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
