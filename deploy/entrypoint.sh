#!/bin/sh
# Starts Valetkey in a container. Its arguments are those of the command `valetkey`.
set -eu

main="$(dirname "$0")/../dist/cli/main.js"
data="${VALETKEY_DATA_DIR:-./valetkey-data}"

refuse() {
  echo "valetkey: $1" >&2
  exit 1
}

# A new secret or database would be lost with the container, or could not be written at all.
# Settings in a file may name both: then the server itself says what it misses.
database="${DATABASE_URL:-${DATABASE_URL_FILE:-}}"
secret="${VALETKEY_SECRET:-${VALETKEY_SECRET_FILE:-}}"
config="${VALETKEY_CONFIG:-}"
for file in valetkey.config.json valetkey.config.mjs; do
  if [ -e "$file" ]; then config="$file"; fi
done
if [ "${1:-}" = serve ] && [ -z "$config" ]; then
  mkdir -p "$data" 2>/dev/null || true
  if [ ! -d "$data" ] || [ ! -w "$data" ]; then
    who="the user $(id -u) cannot write to the data folder $data"
    advice="Mount a volume there that this user owns"
    if [ -z "$database" ]; then
      refuse "$who, which would hold the database. $advice, or set DATABASE_URL or DATABASE_URL_FILE and VALETKEY_SECRET_FILE."
    elif [ -z "$secret" ] && [ ! -r "$data/secret" ]; then
      refuse "$who, which would hold the secret. $advice, or set VALETKEY_SECRET_FILE."
    fi
  fi
fi

# exec makes the server process 1, so that it gets the signal that stops the container.
exec node "$main" "$@"
