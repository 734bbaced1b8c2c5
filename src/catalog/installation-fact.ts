/** A catalog, or its owner's connection: anything that runs a statement. */
export interface Statements {
  rows<Row extends object>(sql: string, values?: unknown[]): Promise<Row[]>;
}

/** What an installation remembers under a name, a JSON value, and when it was told. Undefined: nothing yet. */
export async function readFact<Value>(
  catalog: Statements,
  name: string,
): Promise<{ readonly value: Value; readonly at: Date } | undefined> {
  const [row] = await catalog.rows<{ value: Value; at: Date }>(
    'select value, at from installation_facts where name = $1',
    [name],
  );
  return row;
}

/** Takes the place of what was remembered under the name before. */
export async function writeFact(catalog: Statements, name: string, value: object): Promise<void> {
  await catalog.rows(
    `insert into installation_facts (name, value) values ($1, $2)
     on conflict (name) do update set value = excluded.value, at = now()`,
    [name, JSON.stringify(value)],
  );
}
