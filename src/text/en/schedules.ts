/** What recurs by itself. */
export const schedules = {
  paused: 'paused{note}',
  note: ': {note}',
  by: 'by {actor}',
  next: 'next {at}',
  last: 'last {at}',
  not_yet: 'not yet',
  nothing: 'Nothing is scheduled.',
  is_paused: 'is paused',
  goes_on: 'goes on',
  all_healthy: 'all services are healthy',
  all_stopped: 'all services are stopped',
} as const;
