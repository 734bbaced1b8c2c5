import { schedules as english } from '../en/schedules.ts';
import { translationOf } from '../message.ts';

export const schedules = translationOf(english)({
  paused: 'suspendu{note}',
  note: ', {note}',
  by: 'par {actor}',
  next: 'prochain le {at}',
  last: 'dernier le {at}',
  not_yet: 'pas encore',
  nothing: 'Rien n’est planifié.',
  is_paused: 'est suspendu',
  goes_on: 'continue',
  all_healthy: 'tous les services sont en bon état',
  all_stopped: 'tous les services sont arrêtés',
});
