import { describe, expect, test } from 'vitest';
import { takeForDeletion } from '../../src/catalog/retention-query.ts';
import { protectOnce } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { type RetentionWorld, retentionWorld, standard, storeLike } from './world.ts';

const server = usePostgres();

/** A file that is gone, expired, and whose object only waits for its deletion. */
async function doomed(): Promise<RetentionWorld & { versionId: string; objectId: string }> {
  const world = await retentionWorld(server());
  const { versionId } = await world.protect('a', 'content');
  await world.gone('a');
  // Expired in a run before the lock ended.
  world.classes.standard = { ...standard, days: 1, minimumDays: 0 };
  await world.pass(2);
  expect((await world.retain()).totals).toMatchObject({ expired: 1, deleted: 0 });
  await world.pass(6);
  return { ...world, versionId, objectId: (await world.object(versionId)).id };
}

function barrier() {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

const incidents = async ({ catalog }: RetentionWorld): Promise<number> =>
  (await catalog.rows('select 1 from incidents')).length;

describe('a refused deletion', () => {
  test('is put off, not failed, and the object may be rested on again', async () => {
    const world = await doomed();
    const { key, versionId } = await world.object(world.versionId);
    const lockedUntil = new Date(Math.ceil(Date.now() / 1000) * 1000 + 3 * 86_400_000);
    world.store.relock({ key, versionId }, { mode: 'GOVERNANCE', retainUntil: lockedUntil });
    const { result, totals } = await world.retain();
    expect(result).toBe('complete');
    expect(totals).toMatchObject({ deleted: 0, deferred: 1, denied: 0, bytesFreed: 0 });
    expect(await world.object(world.versionId)).toMatchObject({ state: 'live', retainUntil: lockedUntil });
    const again = await world.protect('b', 'content');
    expect(again.outcome).toBe('duplicate');
    expect((await world.object(again.versionId)).id).toBe(world.objectId);
    await world.pass(30);
    expect((await world.retain()).totals).toMatchObject({ deleted: 0 });
    expect(await world.object(again.versionId)).toMatchObject({ state: 'live', isThere: true });
  });

  test('for want of the right to delete is told apart, and is a refused access', async () => {
    const world = await doomed();
    const powerless = storeLike(world.store, { deleteVersion: async () => 'refused' });
    const refused: unknown[] = [];
    const { result, totals } = await world.retain({
      openDeleting: async () => new Map([['primary', powerless]]),
      noteRefusal: (refusal) => refused.push(refusal),
    });
    expect(result).toBe('incomplete');
    expect(refused).toEqual([{ what: 's3_denied', destination: 'primary', right: 's3:DeleteObjectVersion' }]);
    expect(totals).toMatchObject({ deleted: 0, deferred: 0, denied: 1 });
    expect(await world.object(world.versionId)).toMatchObject({ state: 'live', isThere: true });
  });

  test('by a legal hold of somebody else is put off', async () => {
    const world = await doomed();
    await world.store.setLegalHold({ ...(await world.object(world.versionId)), isHeld: true });
    expect((await world.retain()).totals).toMatchObject({ deleted: 0, deferred: 1 });
  });
});

describe('a process that ends between two steps', () => {
  test.each(['taken-for-deletion', 'before-delete', 'after-delete'])(
    'leaves at %s what the next run finishes',
    async (place) => {
      const world = await doomed();
      const killed = new Error('killed');
      const failPoints = {
        reach: (name: string) => {
          if (name === place) throw killed;
        },
      };
      await expect(world.retain({ failPoints })).rejects.toBe(killed);
      expect(await world.object(world.versionId)).toMatchObject({ state: 'deleting' });
      // Meanwhile nothing comes to rest on it.
      expect((await world.protect('b', 'content')).outcome).toBe('uploaded');
      expect((await world.retain()).totals).toMatchObject({ deleted: 1 });
      expect(await world.object(world.versionId)).toMatchObject({ state: 'deleted', isThere: false });
      const told = await world.catalog.rows(
        `select 1 from audit_events where event ->> 'subject' = $1 and event -> 'facts' ->> 'action' = 'deleted'`,
        [world.objectId],
      );
      expect(told).toHaveLength(1);
    },
  );
});

describe('a duplicate and a deletion at once', () => {
  test('duplicate first: the deletion waits for its commit, and the object stays', async () => {
    const world = await doomed();
    const { catalog, sourceId, objectId } = world;
    const other = await world.protect('b', 'other content');
    // As the pipeline's transaction holds it, between its look and its commit: on a connection of its own.
    const [held, commit] = [barrier(), barrier()];
    const duplicate = catalog.withLock<void>(
      1,
      async (rows) => {
        await rows(`select id from objects where id = $1 and state = 'live' for no key update`, [objectId]);
        await rows('update placements set object_id = $2 where version_id = $1', [other.versionId, objectId]);
        held.open();
        await commit.opened;
      },
      undefined,
    );
    await held.opened;
    let isTaken = false;
    const taking = takeForDeletion(catalog, sourceId, [objectId], new Date()).then((taken) => {
      isTaken = true;
      return taken;
    });
    await untilBlocked(world);
    expect(isTaken).toBe(false);
    commit.open();
    await duplicate;
    expect(await taking).toEqual([]);
    expect(await world.object(world.versionId)).toMatchObject({ state: 'live', isThere: true });
    expect((await world.retain()).totals).toMatchObject({ deleted: 0 });
  });

  test('deletion first: the duplicate waits for it, and is sealed anew', async () => {
    const world = await doomed();
    const [held, commit] = [barrier(), barrier()];
    const deletion = world.catalog.withLock<void>(
      1,
      async (rows) => {
        await rows('select 1 from objects where id = $1 for update', [world.objectId]);
        held.open();
        await commit.opened;
        await rows(`update objects set state = 'deleting' where id = $1`, [world.objectId]);
      },
      undefined,
    );
    await held.opened;
    const duplicate = world.protect('b', 'content');
    await untilBlocked(world);
    commit.open();
    await deletion;
    const settled = await duplicate;
    expect(settled.outcome).toBe('uploaded');
    expect((await world.object(settled.versionId)).id).not.toBe(world.objectId);
    // The duplicate had extended the lock before: the bucket refuses, and both are there.
    expect((await world.retain()).totals).toMatchObject({ deleted: 0, deferred: 1 });
    expect(await world.object(settled.versionId)).toMatchObject({ state: 'live', isThere: true });
  });

  test('deletion while the duplicate has looked and not yet locked: sealed anew, and nobody calls it tampering', async () => {
    const world = await doomed();
    const [looked, deleted] = [barrier(), barrier()];
    const agent = storeLike(world.store, {
      extendLock: async (object) => {
        looked.open();
        await deleted.opened;
        return world.store.extendLock(object);
      },
    });
    const destination = world.context.destinations.get('primary');
    if (destination === undefined) throw new Error('unreachable');
    const slow = world.another({ destinations: new Map([['primary', { ...destination, store: agent }]]) });
    world.write('b', 'content');
    const duplicate = protectOnce(slow, await world.entry('b'));
    await looked.opened;
    expect((await world.retain()).totals).toMatchObject({ deleted: 1 });
    deleted.open();
    expect(await duplicate).toMatchObject({ outcome: 'uploaded' });
    expect(await incidents(world)).toBe(0);
    expect(await world.object(world.versionId)).toMatchObject({ state: 'deleted', isThere: false });
  });

  test('duplicate while the deletion is on its way to the bucket: what one of them holds is there', async () => {
    const world = await doomed();
    const [sent, extended] = [barrier(), barrier()];
    const retentionRole = storeLike(world.store, {
      deleteVersion: async (object) => {
        sent.open();
        await extended.opened;
        return world.store.deleteVersion(object);
      },
    });
    const retained = world.retain({ openDeleting: async () => new Map([['primary', retentionRole]]) });
    await sent.opened;
    const settled = await world.protect('b', 'content');
    extended.open();
    await retained;
    expect(await world.object(settled.versionId)).toMatchObject({ state: 'live', isThere: true });
    expect(settled.outcome).toBe('uploaded');
  });

  test('two sources that let the last two versions of one object go at once lose no deletion', async () => {
    const world = await retentionWorld(server());
    const first = await world.protect('a', 'content');
    const { versionId } = await world.protect('b', 'content');
    for (const path of ['a', 'b']) await world.gone(path);
    const other = world.context.ids.source('other');
    await world.catalog.rows(
      `insert into sources (id, name, root_path, device, inode, host_id) values ($1, 'other', '/other', 1, 1, 'host')`,
      [other],
    );
    await world.catalog.rows(
      `update entries set source_id = $1 where id = (select entry_id from versions where id = $2)`,
      [other, versionId],
    );
    await world.pass(31);
    const runs = await Promise.all([world.retain(), world.retain({}, 60_000, other)]);
    expect(runs.reduce((sum, { totals }) => sum + totals.expired, 0)).toBe(2);
    await world.retain();
    await world.retain({}, 60_000, other);
    expect(await world.object(first.versionId)).toMatchObject({ state: 'deleted', isThere: false });
  });
});

/** Until one of the database's connections waits for another. */
async function untilBlocked({ catalog }: RetentionWorld): Promise<void> {
  for (let asked = 0; asked < 400; asked++) {
    const waiting = await catalog.rows(
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if (waiting.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('nobody waits');
}
