#!/bin/sh
# Two databases with a role each, neither of which may look into the other: messages, and the keyring that opens them.
# Runs once, when PostgreSQL's volume is empty; the passwords lie in files, and are never in a command line.
set -eu
secrets=${SECRETS:-/run/secrets}

for pair in letterlock:messages letterlock_keys:keyring; do
    database=${pair%%:*}
    role=${pair##*:}
    psql --set=ON_ERROR_STOP=1 --no-psqlrc --username "${POSTGRES_USER:-postgres}" --dbname postgres <<EOSQL
\\set password \`cat $secrets/${role}_password\`
CREATE ROLE $role LOGIN PASSWORD :'password';
CREATE DATABASE $database OWNER $role ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE $database FROM PUBLIC;
\\connect $database
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO $role;
EOSQL
done
