#!/bin/sh
# Draws the passwords of docker-compose.yml and asks whose files are protected. What is there already stays as it is.
#
#     ops/compose/prepare.sh [FOLDER [UID [GID]]]
#
# FOLDER: what the containers see, read-only, as /sources (default: /srv). UID, GID: who may read it all (default: its owner).
set -eu
umask 077
here=$(cd "$(dirname "$0")" && pwd)
secrets=$here/secrets
folder=$(cd "${1:-/srv}" && pwd)
uid=${2:-$(stat -c %u "$folder")}
gid=${3:-$(stat -c %g "$folder")}

# Containers run as users of their own and are given single files: these are readable, the folder they lie in is not.
mkdir -p "$secrets"
chmod 700 "$secrets"

# keep NAME: what standard input says, unless NAME is there.
keep() {
  if [ -s "$secrets/$1" ]; then cat > /dev/null; return; fi
  cat > "$secrets/$1.new"
  chmod 444 "$secrets/$1.new"
  mv "$secrets/$1.new" "$secrets/$1"
}
# 32 letters and digits out of 64: 190 bits, and nothing that a URI would have to escape.
draw() { LC_ALL=C tr -dc 'A-Za-z0-9' < /dev/urandom | head -c 32; }
said() { cat "$secrets/$1"; }

for name in holdfast-password postgres-superuser catalog-owner-password catalog-writer-password temporal-db-password \
  s3-secret grafana-admin; do
  draw | keep "$name"
done
for role in owner writer; do
  printf 'postgresql://holdfast_%s:%s@postgres:5432/holdfast\n' "$role" "$(said "catalog-$role-password")" |
    keep "catalog-$role-uri"
done
printf '[default]\naws_access_key_id = holdfast\naws_secret_access_key = %s\n' "$(said s3-secret)" | keep s3-credentials

env=$here/../../.env
if [ ! -e "$env" ]; then
  printf 'HOLDFAST_UID=%s\nHOLDFAST_GID=%s\nHOLDFAST_SOURCES=%s\n' "$uid" "$gid" "$folder" > "$env"
fi
cat << TEXT
Passwords are in $secrets, settings in $(cd "$here/../.." && pwd)/.env.
Write down the repository's password and keep it away from this machine: without it nothing can be restored.
It is in $secrets/holdfast-password.
TEXT
