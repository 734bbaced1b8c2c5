import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Paths } from '../../src/stack/paths.ts';
import { runCommand } from '../../src/stack/run.ts';
import { clamdService } from '../../src/stack/services/clamd.ts';
import { opaService } from '../../src/stack/services/opa.ts';
import { postgresService } from '../../src/stack/services/postgres.ts';
import { s3Service } from '../../src/stack/services/s3.ts';
import { temporalService } from '../../src/stack/services/temporal.ts';
import { Supervisor } from '../../src/stack/supervisor.ts';
import { toolchain } from '../../src/stack/toolchain.ts';

/** A supervisor of all five real services, with a policy of one rule and no signature from the network. */
export async function embeddedStack(paths: Paths, uid: number): Promise<Supervisor> {
  const tools = toolchain(paths, { uid, searchPath: process.env.PATH ?? '', onProgress: () => {} });
  const opa = await tools.opa();
  const policy = path.join(paths.home, 'rule.rego');
  const policyBundle = path.join(paths.home, 'bundle.tar.gz');
  writeFileSync(policy, 'package trial\nanswer := 42\n');
  // A relative path: OPA takes what stands before a colon for a scheme, and splits at it.
  const built = await runCommand(opa, ['build', '--output', 'bundle.tar.gz', 'rule.rego'], {
    cwd: paths.home,
  });
  if (built.code !== 0) throw new Error(built.stderr);
  return new Supervisor({
    paths,
    uid,
    log: () => {},
    services: [
      postgresService({ paths, uid, tool: await tools.postgres() }),
      temporalService({ paths, uid, tool: await tools.temporal() }),
      opaService({ paths, uid, tool: opa, policyBundle }),
      s3Service({ paths, uid, tool: await tools.versitygw() }),
      clamdService({
        paths,
        uid,
        tool: await tools.clamd(),
        updateSignatures: false,
        onWarning: () => {},
      }),
    ],
  });
}
