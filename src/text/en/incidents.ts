/** What an incident is called, what it means, what to do about it, and what the `incident` commands say. */
export const incidents = {
  infection: 'malware in a protected folder',
  infection_means:
    'A file carries malware. It was not uploaded; it was dealt with as its source says (moved into quarantine, copied there, or reported).',
  infection_todo:
    'Find out how it came there and which computers have opened it: holdfast quarantine list. Disconnect those computers until they are clean.',
  late_detection: 'malware in what is already stored',
  late_detection_means:
    'Newer signatures find malware in content that was stored as clean. It stays locked in the bucket; restores leave it out.',
  late_detection_todo:
    'See which files hold it: holdfast files --infected. Look for the same files on computers that restored or opened them.',
  tampering: 'stored data is lost or was changed',
  tampering_means:
    'An object in the bucket is gone, or holds other bytes than were written. What could be repaired was repaired.',
  tampering_todo:
    'Run holdfast verify --all, then ask who has rights on the bucket, and change their keys. Files that lost their copy are uploaded again by the next sweep.',
  lock_mismatch: 'a lock is shorter or weaker than promised',
  lock_mismatch_means: 'An object could be deleted before its time. Its bytes are still the right ones.',
  lock_mismatch_todo:
    'Run holdfast verify --all: it extends locks where it may. Ask who has rights on the bucket.',
  audit_mismatch: 'the audit trail is not as it was signed',
  audit_mismatch_means:
    'Somebody changed, removed or added records of what happened, or a signed head of the trail.',
  audit_mismatch_todo:
    'Run holdfast audit verify and keep what it prints. Change the passwords of the database, and keep its files for whoever investigates.',
  planted_object: 'something in the bucket is not ours',
  planted_object_means:
    'Somebody who can write to the bucket put an object there, or hid one of ours. Restores never read it.',
  planted_object_todo:
    'Run holdfast verify --inventory to see it. Ask who has rights on the bucket, and change their keys.',
  unauthorised_access: 'repeated attempts to get in',
  unauthorised_access_means:
    'Somebody tried several wrong passwords, keys or credentials within a short time. None of them opened anything.',
  unauthorised_access_todo:
    'Ask the people with accounts on this machine. If nobody knows, change the passwords of the machine, then holdfast key change-password.',
  policy_bypass: 'an attempt to get around the policy',
  policy_bypass_means:
    'Somebody brought an approval that was not signed by whom it names, or gave malware back against the rules. Nothing left this site by it.',
  policy_bypass_todo: 'See who it was: holdfast incident show {id}. Speak with the approvers it names.',
  mass_change: 'very many files changed or vanished at once',
  mass_change_means:
    'That is what ransomware looks like, or a folder that was moved. Nothing of the source expires meanwhile, and what stood before stays locked.',
  mass_change_todo:
    'Look at the folder before anything else. If it is an attack: disconnect the computers, then restore the state of before (holdfast restore --at). If it was meant: holdfast retention resume.',
  other: 'an incident that was reported by hand',
  other_means: 'Somebody entered it in the register; the details are in it.',
  other_todo: 'Read it: holdfast incident show {id}.',

  open: 'open',
  acknowledged: 'acknowledged',
  notified: 'notified',
  closed: 'closed',

  none: 'No incident is open. With --all those that were closed are listed too.',
  listed: { one: '{count} incident', other: '{count} incidents' },
  due: 'due in {span}',
  overdue: 'OVERDUE since {span}',
  clock_stopped: '-',

  label_incident: 'incident',
  label_what: 'what',
  label_means: 'what it means',
  label_todo: 'what to do',
  label_state: 'state',
  label_detected: 'detected',
  label_deadline: 'to be notified by',
  label_source: 'source',
  label_file: 'file',
  label_about: 'about',
  label_detail: 'details',
  label_facts: 'facts',
  label_opened_by: 'entered by',
  label_acknowledged: 'acknowledged',
  label_notified: 'notified',
  label_closed: 'closed',
  label_messages: 'messages',
  by: '{time} by {who}',
  notified_to: '{time} to {to}, by {means} ({who})',
  closed_because: '{time} by {who}: {reason}',

  opened: 'Incident {id} is open. It has to be notified by {deadline}.',
  is_acknowledged: 'Incident {id} is acknowledged. Its clock goes on: it has to be notified by {deadline}.',
  is_notified: 'Incident {id} is on record as notified to {to}. Close it when it is dealt with.',
  is_closed: 'Incident {id} is closed.',
  notice_sent: 'The notice was sent to {to} and incident {id} is on record as notified.',
  notice_waits:
    'The notice to {to} waits to be sent: holdfast notify list shows it. The incident counts as notified once it is sent.',
  draft_hint:
    'This is a draft: nothing was sent or recorded. Check it, then send it yourself and record it (holdfast incident notify {id} --to WHO --by letter), or let it be sent (--send).',

  warning_open: {
    one: '{count} incident is not notified yet, due {deadline}: holdfast incident list',
    other: '{count} incidents are not notified yet, the first is due {deadline}: holdfast incident list',
  },
  warning_overdue: {
    one: '{count} incident should have been notified by {deadline} and was not: holdfast incident list',
    other:
      '{count} incidents should have been notified and were not, the oldest by {deadline}: holdfast incident list',
  },
  warning_unwatched: {
    one: '{count} incident has no running clock: is the worker up? holdfast status',
    other: '{count} incidents have no running clock: is the worker up? holdfast status',
  },
  register_clear: 'Nothing in the breach register waits to be notified.',
  doctor_means:
    'The law sets a time for telling the authority and the people concerned; it counts from the detection.',
  doctor_todo: 'holdfast incident show <id>; then holdfast incident notify, or close it with a reason',
  draft_or_send: '--draft and --send contradict each other.',
  draft_send_or_to: 'Give --draft, --send, or both --to and --by.',
  at_before: '--at lies before the incident was detected.',
  not_blank: 'it must not be empty.',
  not_an_address: '"{to}" is no e-mail address; --send takes one.',
  sender_unknown:
    'A notice that is sent has to say who sends it: set breaches.organisation and breaches.contact in the configuration, then `holdfast down && holdfast up`.',
  by_mail: 'mail',
  by_letter: 'letter',
  by_phone: 'phone',
  by_portal: 'portal',
  'by_in-person': 'word of mouth',
  detected_future: '--detected lies in the future.',
} as const;
