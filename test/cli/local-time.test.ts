import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../../src/stack/project.ts';

test('people see the time of their zone, with its offset', () => {
  const output = join(projectRoot, 'src/cli/output.ts');
  const program = `
    const { localTime } = await import(${JSON.stringify(output)});
    for (const zone of ['Africa/Douala', 'Asia/Kolkata', 'America/St_Johns', 'UTC']) {
      process.env.TZ = zone;
      console.log(localTime(new Date('2026-01-31T23:45:09Z')));
    }`;
  const told = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
  });
  expect(told.trim().split('\n')).toEqual([
    '2026-02-01 00:45:09 +01:00',
    '2026-02-01 05:15:09 +05:30',
    '2026-01-31 20:15:09 -03:30',
    '2026-01-31 23:45:09 +00:00',
  ]);
});
