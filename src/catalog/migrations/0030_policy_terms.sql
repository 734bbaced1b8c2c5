-- What a policy bundle says of a source, as a hash: bundles that say the same of it judge its files alike, whatever they say
-- of other sources. Hosts of one group serve other sources each, so their bundles differ where their judgement does not.
create table policy_terms (
  source_id  text not null,
  -- SHA-256 of the bundle, hex.
  revision   text not null,
  -- SHA-256, hex, of the rules, the data, and the configuration without other sources.
  terms      text not null,
  primary key (source_id, revision)
);

grant select on policy_terms to holdfast_writer, holdfast_reader;
grant insert on policy_terms to holdfast_writer;
