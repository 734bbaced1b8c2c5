import type { Client } from '@temporalio/client';
import type { incident } from '../../workflows/incident.ts';
import { startAttributes } from '../../workflows/search-attributes.ts';
import type { sendNotification } from '../../workflows/send-notification.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { markWatched, unwatchedIncidents } from '../catalog/incident-query.ts';
import { markTaken, untakenNotifications } from '../catalog/notification-query.ts';
import { incidentWorkflowId, notificationWorkflowId } from '../temporal/names.ts';
import { summaryOfIncident, summaryOfNotification } from '../temporal/summaries.ts';

export interface StartDeps {
  readonly catalog: Catalog;
  readonly client: { readonly workflow: Pick<Client['workflow'], 'start'> };
  readonly taskQueue: string;
}

/**
 * Gives every incident that is not closed, and every message that waits, its workflow, where it has none: rows are written by
 * whoever has something to tell, and a process may end before it starts anything. Noted down only once it is started.
 *
 * @param which `all`: also those that had one, whose cluster may be lost
 */
export async function startWaiting(
  { catalog, client, taskQueue }: StartDeps,
  which: 'new' | 'all',
): Promise<void> {
  // Messages first: of a thousand incidents the first ten are told before the last one has its clock.
  const notifications = await untakenNotifications(catalog, which === 'all');
  for (const { id, topic, channel } of notifications) {
    await client.workflow.start<typeof sendNotification>('sendNotification', {
      workflowId: notificationWorkflowId(id),
      taskQueue,
      args: [{ notificationId: id }],
      typedSearchAttributes: startAttributes({ reason: topic }),
      ...summaryOfNotification(topic, channel),
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
  }
  if (notifications.length > 0)
    await markTaken(
      catalog,
      notifications.map(({ id }) => id),
    );
  const incidents = await unwatchedIncidents(catalog, which === 'all');
  for (const { id, kind, runId, ...about } of incidents) {
    const known = { source: about.source ?? undefined, run: runId, reason: kind };
    await client.workflow.start<typeof incident>('incident', {
      workflowId: incidentWorkflowId(id),
      taskQueue,
      args: [{ incidentId: id }],
      typedSearchAttributes: startAttributes(known),
      ...summaryOfIncident(known, id),
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
  }
  if (incidents.length > 0)
    await markWatched(
      catalog,
      incidents.map(({ id }) => id),
    );
}
