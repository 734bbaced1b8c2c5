import { failures as english } from '../text/en/failures.ts';

/**
 * The one table of everything that can go wrong, and the one error class that carries it.
 *
 * Each row fixes the process exit code and whether a retry can help. What the operator reads, and what to do next, is
 * in src/text/<language>/failures.ts under the same code; `{name}` there is filled from the failure's `facts`. Vendor
 * errors are translated into a row once, at the edge; what has no row is a defect and is rethrown unchanged.
 */
export interface FailureRow {
  /** Process exit code: 1 error, 2 usage, 3 some files failed, 4 integrity, 5 dependency, 6 key, 7 running. */
  readonly exitCode: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 130;
  /** Whether the same call may succeed later without anyone changing anything. */
  readonly retryable: boolean;
}

const row = (exitCode: FailureRow['exitCode'], retryable: boolean): FailureRow => ({ exitCode, retryable });

export const failures = {
  usage: row(2, false),
  internal: row(1, false),
  interrupted: row(130, true),
  sweep_running: row(7, true),
  sweep_failed: row(1, true),
  signatures_stale: row(5, true),
  rescan_running: row(7, true),
  rescan_failed: row(1, true),
  infected_content: row(3, false),
  clock_skew: row(5, false),
  retention_not_paused: row(1, false),
  retention_failed: row(1, true),
  legal_hold_unknown: row(1, false),
  legal_hold_ambiguous: row(2, false),
  schedule_unknown: row(2, false),
  catalog_unavailable: row(5, true),
  catalog_unready: row(5, false),
  schema_unknown: row(1, false),
  schema_behind: row(5, false),
  joined_host: row(1, false),
  not_listening: row(1, false),
  plaintext_refused: row(2, false),
  join_file_invalid: row(2, false),
  host_unknown: row(2, false),
  audit_conflict: row(4, true),
  audit_key_invalid: row(2, false),
  audit_mismatch: row(4, false),
  proof_not_anchored: row(5, true),
  version_unknown: row(1, false),
  s3_unavailable: row(5, true),
  s3_denied: row(1, false),
  s3_wrong_region: row(1, false),
  s3_ca_unreadable: row(1, false),
  s3_corrupt: row(4, true),
  bucket_missing: row(1, false),
  bucket_without_lock: row(1, false),
  object_missing: row(4, false),
  upload_missing: row(5, true),
  lock_refused: row(1, false),
  source_unavailable: row(5, true),
  out_of_handles: row(1, true),
  watch_limit: row(5, true),
  temporal_unavailable: row(5, true),
  codec_token_exists: row(2, false),
  codec_token_unknown: row(2, false),
  run_unknown: row(2, false),
  web_ui_unknown: row(2, false),
  address_taken: row(5, false),
  search_attributes_missing: row(5, false),
  config_missing: row(1, false),
  compliance_mapping_invalid: row(2, false),
  config_invalid: row(2, false),
  tool_missing: row(5, false),
  tool_failed: row(5, false),
  platform_unsupported: row(5, false),
  folder_not_ours: row(1, false),
  folder_unusable: row(1, false),
  service_unhealthy: row(5, true),
  already_running: row(7, false),
  policy_unavailable: row(5, true),
  policy_invalid: row(1, false),
  policy_not_taken: row(5, true),
  scanner_unavailable: row(5, true),
  entry_unknown: row(1, false),
  destination_unknown: row(1, false),
  unknown_scope: row(6, false),
  wrong_password: row(6, false),
  password_superseded: row(6, false),
  holder_outdated: row(6, false),
  recovery_key_mistyped: row(6, false),
  mixed_keyrings: row(6, false),
  too_many_keyrings: row(6, false),
  newer_keyring: row(6, false),
  keyring_name_taken: row(6, false),
  scope_needed: row(2, false),
  scope_taken: row(2, false),
  no_shredding: row(1, false),
  keyring_export_invalid: row(6, false),
  keyring_newer_here: row(1, false),
  kit_not_in_bucket: row(4, false),
  holder_taken: row(2, false),
  holder_unknown: row(2, false),
  scope_shredding: row(6, false),
  empty_password: row(6, false),
  corrupted_keyring: row(6, false),
  hostile_keyring: row(6, false),
  unknown_key: row(6, false),
  tampered: row(4, false),
  unsupported_format: row(4, false),
  openpgp_unconfigured: row(1, false),
  openpgp_recipient_unusable: row(1, false),
  openpgp_key_missing: row(6, false),
  openpgp_key_wrong: row(6, false),
  openpgp_key_unreadable: row(6, false),
  write_only_host: row(6, false),
  host_key_invalid: row(6, false),
  host_not_cut_off: row(5, true),
  name_too_long: row(3, false),
  quarantine_unknown: row(1, false),
  quarantine_empty: row(1, false),
  quarantine_elsewhere: row(1, false),
  quarantine_unwritable: row(1, true),
  disk_refuses: row(1, false),
  quarantine_missing: row(4, false),
  still_infected: row(1, false),
  release_unscanned: row(1, true),
  release_occupied: row(1, false),
  release_folder_gone: row(1, false),
  exception_unknown: row(1, false),
  hold_unknown: row(1, false),
  hold_ended: row(1, false),
  hold_not_decided: row(3, false),
  hold_source_changed: row(1, false),
  staging_full: row(3, false),
  approval_invalid: row(6, false),
  approval_expired: row(1, false),
  approval_outdated: row(1, false),
  approver_unknown: row(6, false),
  approver_not_entitled: row(1, false),
  approver_key_unusable: row(6, false),
  lock_mismatch: row(4, false),
  planted_object: row(4, false),
  object_too_large: row(3, false),
  sealing_refused: row(4, false),
  keyring_missing: row(6, false),
  secret_unreadable: row(1, false),
  service_not_running: row(5, true),
  no_space: row(1, false),
  target_unusable: row(1, false),
  target_is_link: row(1, false),
  target_full: row(1, false),
  unsafe_path: row(3, false),
  no_free_name: row(3, false),
  target_changed: row(3, true),
  restore_running: row(7, false),
  source_unknown: row(2, false),
  no_password: row(6, false),
  password_file_unreadable: row(6, false),
  password_mismatch: row(6, false),
  weak_password: row(6, false),
  already_initialised: row(1, false),
  no_official_signatures: row(5, true),
  not_confirmed: row(1, false),
  not_running: row(5, true),
  outside_sources: row(2, false),
  object_unknown: row(1, false),
  path_unknown: row(1, false),
  path_not_there: row(1, false),
  path_ambiguous: row(1, false),
  not_a_file: row(1, false),
  never_protected: row(1, false),
  quickstart_home_taken: row(1, false),
  restore_differs: row(4, false),
  lock_not_enforced: row(4, false),
  no_repository: row(1, false),
  s3_untrusted: row(5, false),
  source_not_found: row(2, false),
  work_folder_unusable: row(1, false),
  catalog_not_empty: row(1, false),
  rebuild_needs_rest: row(7, false),
  rebuild_unfinished: row(5, false),
  catalog_lost: row(1, false),
  workflows_open: row(1, false),
  incident_unknown: row(1, false),
  incident_refused: row(1, false),
  incident_not_notified: row(2, false),
  notice_without_address: row(2, false),
  notification_unknown: row(1, false),
  channel_unknown: row(2, false),
  no_channels: row(2, false),
  notify_test_failed: row(5, true),
} satisfies Record<string, FailureRow>;

export type FailureCode = keyof typeof failures;

/** What is said of a failure, in one language: its sentence under its code, what to do next under `<code>_hint`. */
export type FailureTexts = Readonly<Record<FailureCode | `${FailureCode}_hint`, string>>;

const originals: FailureTexts = english;

/** Facts that fill the texts. Never a path or file name where the failure may cross an activity edge. */
export type FailureFacts = Readonly<Record<string, string | number>>;

/** Its message and hint are English, for logs, records and scripts; {@link failureIn} says it to people. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: FailureCode;
  readonly facts: FailureFacts;

  constructor(code: FailureCode, facts: FailureFacts = {}, options?: { cause?: unknown }) {
    super(fill(originals[code], facts), options);
    this.code = code;
    this.facts = facts;
  }

  get exitCode(): number {
    return failures[this.code].exitCode;
  }

  get retryable(): boolean {
    return failures[this.code].retryable;
  }

  get hint(): string {
    return failureIn(originals, this).hint;
  }
}

/**
 * A failure in the words of a language.
 *
 * @param tell a fact that is a phrase or a code, by its name, in that language
 */
export function failureIn(
  texts: FailureTexts,
  { code, facts }: Failure,
  tell: (text: string, name: string) => string = (text) => text,
): { message: string; hint: string } {
  const told = Object.fromEntries(
    Object.entries(facts).map(([name, fact]) => [name, typeof fact === 'string' ? tell(fact, name) : fact]),
  );
  return { message: fill(texts[code], told), hint: fill(texts[`${code}_hint`], told) };
}

/** True for a {@link Failure}, with the given code if one is given. */
export function isFailure(error: unknown, code?: FailureCode): error is Failure {
  return error instanceof Failure && (code === undefined || error.code === code);
}

function fill(text: string, facts: FailureFacts): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(facts[name] ?? whole));
}
