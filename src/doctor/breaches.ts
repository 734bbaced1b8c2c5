import { incidentTotals } from '../catalog/incident-query.ts';
import { incidentWarnings } from '../incidents/standing.ts';
import { textsIn } from '../text/texts.ts';
import { type Check, ok } from './check.ts';

/** Whether somebody has to be notified of an incident, and its clock runs. */
export const breaches: Check = {
  name: 'breaches',
  async look({ catalog, config, language }) {
    const say = textsIn(language);
    const totals = await incidentTotals(await catalog(), config.breaches.notifyWithin);
    const warnings = incidentWarnings(totals, config, language);
    if (warnings.length === 0) return [ok(say('incidents', 'register_clear'))];
    const means = say('incidents', 'doctor_means');
    const todo = say('incidents', 'doctor_todo');
    const state = totals.overdue + totals.unwatched > 0 ? 'problem' : 'warning';
    return warnings.map((what) => ({ state, what, means, todo }));
  },
};
