import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { z } from 'zod';
import { Failure } from '../domain/failures.ts';
import type {
  AdmissionInput,
  AdmissionResult,
  ApprovalTerms,
  Decision,
  ReleaseInput,
  ReleaseResult,
  RetentionClass,
} from '../domain/records.ts';
import {
  readAdmission,
  readApprovalTerms,
  readRelease,
  readRetentionClasses,
  undefinedAdmission,
  undefinedRelease,
} from './answer.ts';
import type { PolicyEngine } from './engine.ts';
import type { Epoch } from './epoch.ts';

export interface OpaEngineOptions {
  /** Unix socket of `opa run --server`. */
  readonly socketPath: string;
  /** From the question to the last byte of the answer; a question about many files has {@link extraPerItemMs} more for each. */
  readonly timeoutMs: number;
  /** The bundle whose answers count; without it any single one does. */
  readonly epoch?: Epoch;
}

const explanation = z.object({
  by: z.object({ rule: z.string(), classification: z.string() }),
  matching: z.record(z.string(), z.string()),
});

/** `rule`: the name of a rule of the data, `source`, `default` or `incomprehensible`. */
export type Explanation = z.infer<typeof explanation>;

/** A decision is under 2 KiB; more is not an answer of ours. */
const maxAnswerBytes = 64 * 1024;
const maxDecisionBytes = 2 * 1024;

/** Items of one question: as many as a batch has; a machine that has nothing else to do answers them in some 50 ms. */
const mostItems = 512;

/** More than rules that differ for each file take on a slow machine: what is asked together must not be too late for that. */
const extraPerItemMs = 10;

const maxConnections = 16;

const bundleRevision = z.string().regex(/^[0-9a-f]{64}$/);

/** OPA's envelope (https://www.openpolicyagent.org/docs/latest/rest-api/#get-a-document-with-input). */
const envelope = z.object({
  result: z.unknown(),
  decision_id: z.string().min(1).optional(),
  provenance: z.object({
    /** Of OPA. */
    version: z.string().default('unknown'),
    bundles: z.record(z.string(), z.object({ revision: bundleRevision })),
  }),
});

type Answer =
  | {
      readonly kind: 'answer';
      readonly result: unknown;
      readonly revision: string;
      readonly decisionId: string;
      readonly version: string;
    }
  | { readonly kind: 'unusable'; readonly detail: string };

/** {@link PolicyEngine} over OPA's REST API on a unix socket. */
export class OpaEngine implements PolicyEngine {
  readonly #options: OpaEngineOptions;
  readonly #agent: Agent;

  constructor(options: OpaEngineOptions) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: maxConnections });
  }

  async admit(input: AdmissionInput): Promise<Decision<AdmissionResult>> {
    return single(await this.admitMany([input]));
  }

  async release(input: ReleaseInput): Promise<Decision<ReleaseResult>> {
    return single(await this.releaseMany([input]));
  }

  async admitMany(inputs: readonly AdmissionInput[]): Promise<Decision<AdmissionResult>[]> {
    return this.#decideMany('admissions', inputs, readAdmission, undefinedAdmission);
  }

  async releaseMany(inputs: readonly ReleaseInput[]): Promise<Decision<ReleaseResult>[]> {
    return this.#decideMany('releases', inputs, readRelease, undefinedRelease);
  }

  async retentionClasses(): Promise<Decision<Readonly<Record<string, RetentionClass>>>> {
    return this.#terms('retention/classes', readRetentionClasses);
  }

  async approvalTerms(): Promise<Decision<ApprovalTerms>> {
    return this.#terms('approval/terms', readApprovalTerms);
  }

  /** The bundle that is loaded, and the version of OPA. */
  async ping(): Promise<{ revision: string; version: string }> {
    const answer = await this.#ask('GET', '/v1/data/holdfast/config/lock?provenance=true', '');
    if (answer.kind === 'unusable') throw new Failure('policy_unavailable', { detail: answer.detail });
    if (answer.result === undefined)
      throw new Failure('policy_unavailable', { detail: 'no configuration loaded' });
    return { revision: answer.revision, version: answer.version };
  }

  /** What gave the classification, and every rule of classification that matched; undefined where the rules do not say. */
  async explain({ source, entry, content }: AdmissionInput): Promise<Explanation | undefined> {
    const body = JSON.stringify({ input: { source, entry, content } });
    const answer = await this.#ask('POST', '/v1/data/holdfast/traits/explanation?provenance=true', body);
    return answer.kind === 'answer' ? explanation.safeParse(answer.result).data : undefined;
  }

  /** What is wrong with the data of the bundle, as sentences; nothing where its rules do not look. */
  async findings(): Promise<string[]> {
    const answer = await this.#ask('GET', '/v1/data/holdfast/findings/all?provenance=true', '');
    if (answer.kind === 'unusable') throw new Failure('policy_unavailable', { detail: answer.detail });
    const found = z.array(z.string()).default([]).safeParse(answer.result);
    return found.data ?? ['holdfast.findings.all is no set of sentences'];
  }

  /** Closes idle connections; questions under way end by themselves. */
  close(): void {
    this.#agent.destroy();
  }

  async #decideMany<Result>(
    rule: 'admissions' | 'releases',
    inputs: readonly (AdmissionInput | ReleaseInput)[],
    read: (result: unknown) => Result | undefined,
    denied: (detail: string) => Result,
  ): Promise<Decision<Result>[]> {
    const decisions: Decision<Result>[] = [];
    for (let from = 0; from < inputs.length; from += mostItems)
      decisions.push(...(await this.#decideSome(rule, inputs.slice(from, from + mostItems), read, denied)));
    return decisions;
  }

  async #decideSome<Result>(
    rule: 'admissions' | 'releases',
    inputs: readonly (AdmissionInput | ReleaseInput)[],
    read: (result: unknown) => Result | undefined,
    denied: (detail: string) => Result,
  ): Promise<Decision<Result>[]> {
    const answer = await this.#ask(
      'POST',
      `/v1/data/holdfast/batch/${rule}?provenance=true`,
      batchQuestion(inputs),
      inputs.length,
    );
    const [bundleRevision, decisionId] =
      answer.kind === 'answer'
        ? [answer.revision, answer.decisionId]
        : [this.#options.epoch?.revision ?? 'unknown', randomUUID()];
    const decided = (result: Result): Decision<Result> => ({ result, bundleRevision, decisionId });
    const all = (detail: string) => inputs.map(() => decided(denied(detail)));
    if (answer.kind === 'unusable') return all(answer.detail);
    const results = decisionsByItem(answer.result, inputs.length, read);
    if (results === undefined) return all('it answers for what was not asked');
    return results.map((result) => decided(result ?? denied('it is not a decision')));
  }

  /** What policy says without being asked about anything: there is no denial that could stand for it. */
  async #terms<Terms>(rule: string, read: (result: unknown) => Terms | undefined): Promise<Decision<Terms>> {
    const answer = await this.#ask('GET', `/v1/data/holdfast/${rule}?provenance=true`, '');
    if (answer.kind === 'unusable') throw new Failure('policy_unavailable', { detail: answer.detail });
    const result = read(answer.result);
    if (result === undefined) throw new Failure('policy_unavailable', { detail: `no usable ${rule}` });
    return { result, bundleRevision: answer.revision, decisionId: answer.decisionId };
  }

  async #ask(method: 'GET' | 'POST', path: string, body: string, items = 0): Promise<Answer> {
    const reply = await exchange(this.#options.socketPath, this.#agent, {
      ...{ method, path, body },
      timeoutMs: this.#options.timeoutMs + items * extraPerItemMs,
      longestBytes: maxAnswerBytes + items * maxDecisionBytes,
    });
    if (reply.status >= 500) throw new Failure('policy_unavailable', { detail: `status ${reply.status}` });
    if (reply.status !== 200) return { kind: 'unusable', detail: `status ${reply.status}` };
    if (reply.body === undefined) return { kind: 'unusable', detail: 'it is too long' };
    const parsed = envelope.safeParse(parseJson(reply.body));
    if (!parsed.success) return { kind: 'unusable', detail: 'it is out of form' };
    const [bundle, ...others] = Object.values(parsed.data.provenance.bundles);
    if (bundle === undefined || others.length > 0) {
      return { kind: 'unusable', detail: 'it does not name one bundle' };
    }
    const { epoch } = this.#options;
    if (epoch !== undefined && !(await epoch.accepts(bundle.revision))) {
      throw new Failure('policy_unavailable', { detail: 'another policy bundle is loaded' });
    }
    return {
      kind: 'answer',
      result: parsed.data.result,
      revision: bundle.revision,
      version: parsed.data.provenance.version,
      // OPA numbers its decisions only while it logs them, and its log would hold the private input.
      decisionId: parsed.data.decision_id ?? randomUUID(),
    };
  }
}

/**
 * The question as the rules read it: files of equal facts in a group, what is each one's own beside it, by its number in the
 * order asked.
 */
function batchQuestion(inputs: readonly (AdmissionInput | ReleaseInput)[]): string {
  const groups = new Map<string, string[]>();
  for (const [item, { entry, content, ...facts }] of inputs.entries()) {
    const shared = JSON.stringify(facts);
    const files = groups.get(shared) ?? [];
    groups.set(shared, files);
    files.push(`"${item}":${JSON.stringify({ entry, content })}`);
  }
  const texts = [...groups].map(([facts, files]) => `{"facts":${facts},"files":{${files.join()}}}`);
  return `{"input":{"groups":[${texts.join()}]}}`;
}

const sharedDecisions = z.array(z.strictObject({ files: z.array(z.string()), decision: z.unknown() }));

/**
 * The decisions in the order asked, undefined for an item that has none in form. Undefined where one is about what was not
 * asked, or two are about the same.
 */
function decisionsByItem<Result>(
  answered: unknown,
  count: number,
  read: (result: unknown) => Result | undefined,
): (Result | undefined)[] | undefined {
  const shared = sharedDecisions.safeParse(answered).data;
  if (shared === undefined) return undefined;
  const results: (Result | undefined)[] = Array.from({ length: count });
  const left = new Set(results.keys().map(String));
  for (const { files, decision } of shared) {
    const result = read(decision);
    for (const file of files) {
      if (!left.delete(file)) return undefined;
      results[Number(file)] = result;
    }
  }
  return results;
}

/** Of a question about one. */
function single<Result>([decision]: readonly Decision<Result>[]): Decision<Result> {
  if (decision === undefined) throw new TypeError('a question without its answer');
  return decision;
}

interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body: string;
  /** From the question to the last byte of the answer. */
  readonly timeoutMs: number;
  /** A longer answer is not read. */
  readonly longestBytes: number;
}

interface Reply {
  readonly status: number;
  /** `undefined` when it was longer than asked for. */
  readonly body: Buffer | undefined;
}

/** One HTTP exchange. Whatever keeps the whole answer from arriving in time is `policy_unavailable`. */
function exchange(
  socketPath: string,
  agent: Agent,
  { method, path, body, timeoutMs, longestBytes }: Question,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      const detail = timeout.aborted ? 'no answer in time' : (codeOf(error) ?? 'connection broken');
      reject(new Failure('policy_unavailable', { detail }, { cause: error }));
    };
    const timeout = AbortSignal.timeout(timeoutMs);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const outgoing = request({ socketPath, agent, method, path, headers, signal: timeout }, (incoming) => {
      const status = incoming.statusCode ?? 0;
      const chunks: Buffer[] = [];
      let lengthBytes = 0;
      incoming.on('data', (chunk: Buffer) => {
        lengthBytes += chunk.length;
        chunks.push(chunk);
        if (lengthBytes <= longestBytes) return;
        resolve({ status, body: undefined });
        incoming.destroy();
      });
      incoming.on('end', () => resolve({ status, body: Buffer.concat(chunks) }));
      incoming.on('error', fail);
    });
    outgoing.on('error', fail);
    outgoing.end(body);
  });
}

function codeOf(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
