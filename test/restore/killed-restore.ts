import { restoreTree } from '../../src/restore/restore.ts';
import { MemoryRepository, noise } from './memory-repository.ts';

/** What is restored, the same in each process: some small files and one that is large enough to be continued. */
export function someFiles(): MemoryRepository {
  const repository = new MemoryRepository();
  for (let index = 0; index < 150; index++) repository.file(`small/${index}`, `content ${index}`);
  repository.file('small/medium', noise(6 * 1024 * 1024, 'medium'));
  repository.file('zz-large', noise(72 * 1024 * 1024, 'large'));
  return repository;
}

/** As a process of its own: restores into argv[2] and is killed at the request argv[3] to the store. */
if (process.argv[1] === import.meta.filename) {
  const [, , to = '', fatal] = process.argv;
  const repository = someFiles();
  let requests = 0;
  repository.fault = ({ operation, moment }) => {
    if (operation === 'get' && moment === 'before' && ++requests === Number(fatal)) {
      process.kill(process.pid, 'SIGKILL');
    }
  };
  for await (const _ of restoreTree(repository.deps, { source: repository.source, to, jobs: 2 }));
}
