#!/bin/bash
# Makes the databases and roles of docker-compose.yml, once, when the volume is new.
set -eu
password() { cat "/run/secrets/$1"; }
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set owner="$(password catalog-owner-password)" \
  --set writer="$(password catalog-writer-password)" \
  --set temporal="$(password temporal-db-password)" << 'SQL'
-- Owns the catalog's tables, runs the migrations, and makes the roles of further hosts.
create role holdfast_owner login createrole password :'owner';
-- The program works as this one: it can neither change nor delete what the audit trail says.
create role holdfast_writer login password :'writer';
create database holdfast owner holdfast_owner;
revoke all on database holdfast from public;
grant connect on database holdfast to holdfast_writer;
create role temporal login password :'temporal';
create database temporal owner temporal;
create database temporal_visibility owner temporal;
revoke all on database temporal, temporal_visibility from public;
SQL
