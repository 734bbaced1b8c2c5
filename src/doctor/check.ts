import type { Catalog } from '../catalog/catalog.ts';
import type { Config, DestinationConfig } from '../config.ts';
import type { KeyringDocument } from '../keys/keyring-files.ts';
import type { Endpoints } from '../stack/endpoints.ts';
import type { SupervisorStatus } from '../stack/supervisor-state.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { checks } from '../text/en/checks.ts';
import type { Language } from '../text/language.ts';

/** What one look found. */
export interface Finding {
  readonly state: 'ok' | 'warning' | 'problem';
  /** What is. */
  readonly what: string;
  /** What that means, where it is not as it should be. */
  readonly means?: string;
  /** What to do about it. */
  readonly todo?: string;
}

export interface DoctorDestination {
  readonly config: DestinationConfig;
  readonly store: ObjectStore;
}

/** What checks look at. Nothing needs the password. What cannot be reached throws a Failure when it is asked for. */
export interface Patient {
  readonly config: Config;
  readonly home: string;
  readonly configPath: string;
  /** Of whoever asks. */
  readonly language: Language;
  /** Whether whoever asks has the password in a variable. */
  readonly hasPasswordInEnvironment: boolean;
  /** Undefined: nothing runs. */
  readonly status: SupervisorStatus | undefined;
  readonly endpoints: Endpoints;
  /** Wrapped, as they lie in the state folder. */
  readonly documents: readonly KeyringDocument[];
  catalog(): Promise<Catalog>;
  destinations(): Promise<readonly DoctorDestination[]>;
}

export type CheckName = keyof typeof checks;

/** One thing that `doctor` looks at. */
export interface Check {
  /** Names it in output and for `--only`; lower case, dashes. */
  readonly name: CheckName;
  /** At least one finding. */
  look(patient: Patient): Promise<readonly Finding[]>;
}

export const ok = (what: string): Finding => ({ state: 'ok', what });

/** Days from now, rounded down; below 0 for what is past. */
export const daysUntil = (at: Date, now = new Date()): number =>
  Math.floor((at.getTime() - now.getTime()) / 86_400_000);
