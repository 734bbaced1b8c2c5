import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { diskRefusal } from '../../src/cli/disk-refusal.ts';

const thrownBy = (work: () => void): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
};

test('a disk that takes nothing is told as that, whatever was to be written', () => {
  const full = thrownBy(() => writeFileSync('/dev/full', 'x'));
  expect(diskRefusal(full)).toMatchObject({ code: 'disk_refuses', facts: { code: 'ENOSPC', where: '' } });
  const readOnly = Object.assign(new Error('EROFS'), { code: 'EROFS', syscall: 'open', path: '/mnt/a' });
  expect(diskRefusal(readOnly)?.message).toContain('(EROFS, /mnt/a)');
  expect(diskRefusal(thrownBy(() => mkdirSync('/dev/null/a')))).toBeUndefined();
  expect(diskRefusal(new Error('ENOSPC'))).toBeUndefined();
});
