import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { Failure } from '../../domain/failures.ts';
import { projectRoot } from '../../stack/project.ts';
import { isException, isQueryName, type QueryName } from '../queries/all.ts';

/**
 * What a named query says of a control:
 *
 * - `basis`: what it is about; where there is none of it the control does not apply.
 * - `evidence`: how it was met.
 * - `required`: fewer than the threshold (1), and it is not met.
 * - `failure`: more than the threshold (0), and it is not met.
 * - `doubt`: more than the threshold (0), and nobody can say from the catalog whether it is.
 * - `exception`: more than the threshold (0), and it is met with exceptions, each of which is named.
 */
export const queryRoles = ['basis', 'evidence', 'required', 'failure', 'doubt', 'exception'] as const;
export type QueryRole = (typeof queryRoles)[number];

const exceptionRoles: readonly QueryRole[] = ['failure', 'doubt', 'exception'];

const identifier = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'small letters without accents, digits and dashes');
const text = z.strictObject({ en: z.string().min(1), fr: z.string().min(1) });

const query = z
  .strictObject({
    name: z.string().refine(isQueryName, 'there is no such query: `holdfast report query` lists them'),
    as: z.enum(queryRoles),
    threshold: z.int().min(0).optional(),
  })
  .refine(
    ({ name, as }) =>
      !isQueryName(name) || isException(name) === exceptionRoles.includes(as) || as === 'evidence',
    'failure, doubt and exception are for queries that count exceptions; basis and required for the others',
  )
  .transform(({ name, as, threshold }) => ({
    name: name as QueryName,
    as,
    threshold: threshold ?? (as === 'required' ? 1 : 0),
  }));

const control = z.strictObject({
  id: identifier,
  article: z.string().min(1),
  title: text,
  /** What the organisation claims. */
  claim: text,
  /** By which means it is so. */
  how: text,
  queries: z
    .array(query)
    .min(1)
    .refine(
      (queries) => new Set(queries.map(({ name }) => name)).size === queries.length,
      'a query stands there twice',
    ),
});

const mappingSchema = z
  .strictObject({
    version: z.literal(1),
    id: identifier,
    law: text,
    /** Whether counsel has held claims and articles against the text of the law. */
    text_verified: z.boolean(),
    /** Who did, and when; exactly where it was done. */
    verified_by: z.string().min(1).optional(),
    verified_on: z.iso.date('a date, like "2026-11-23"').optional(),
    /** What each article is understood to be about. */
    articles: z.record(z.string(), text),
    controls: z
      .array(control)
      .min(1)
      .refine(
        (controls) => new Set(controls.map(({ id }) => id)).size === controls.length,
        'two controls have one id',
      ),
  })
  .refine(
    ({ text_verified, verified_by, verified_on }) =>
      text_verified === (verified_by !== undefined) && text_verified === (verified_on !== undefined),
    { path: ['text_verified'], error: 'true together with verified_by and verified_on, else false without' },
  )
  .superRefine(({ articles, controls }, context) => {
    for (const [index, { article }] of controls.entries())
      if (!Object.hasOwn(articles, article))
        context.addIssue({
          code: 'custom',
          path: ['controls', index, 'article'],
          message: `articles says nothing of ${article}`,
        });
  });

/** Which controls answer which articles of a law, and with which numbers. */
export type Mapping = z.infer<typeof mappingSchema>;
export type Control = Mapping['controls'][number];

const packagedFolder = join(projectRoot, 'policies', 'compliance');

/**
 * The mappings that come with the program and the operator's own, by id: an own one takes the place of a packaged one of its id.
 *
 * @param files absolute paths
 */
export function readMappings(files: readonly string[]): ReadonlyMap<string, Mapping> {
  const packaged = readdirSync(packagedFolder).filter((name) => name.endsWith('.yaml'));
  const all = [...packaged.sort().map((name) => join(packagedFolder, name)), ...files];
  return new Map(all.map((file) => readMapping(file)).map((mapping) => [mapping.id, mapping]));
}

/** Failure `compliance_mapping_invalid` names the file and the key. */
export function readMapping(file: string): Mapping {
  let raw: unknown;
  try {
    raw = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const detail = error instanceof Error ? error.message : 'it cannot be read';
    throw new Failure('compliance_mapping_invalid', { file, detail }, { cause: error });
  }
  const checked = mappingSchema.safeParse(raw);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const unknownKey = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const key = [...(issue?.path ?? []), ...unknownKey].join('.');
  const problem = issue?.code === 'unrecognized_keys' ? 'there is no such key' : (issue?.message ?? '');
  throw new Failure('compliance_mapping_invalid', { file, detail: `${key}: ${problem}` });
}
