#!/bin/sh
# Brings Temporal's databases to what the server of the same version needs; again at each start, which changes nothing then.
set -eu
SQL_PASSWORD=$(cat /run/secrets/temporal-db-password)
export SQL_PASSWORD
for schema in temporal visibility; do
  case $schema in temporal) SQL_DATABASE=temporal ;; visibility) SQL_DATABASE=temporal_visibility ;; esac
  export SQL_DATABASE
  temporal-sql-tool setup-schema --version 0.0 || true
  temporal-sql-tool update-schema --schema-name "postgresql/v12/$schema"
done
