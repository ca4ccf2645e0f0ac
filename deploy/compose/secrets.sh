#!/bin/sh
# Makes ./secrets for compose.yaml, each file for the one user that reads it. Run as root, once; what is there stays as it is.
set -eu
umask 077
cd "${1:-$(dirname "$0")/../..}"
mkdir -p secrets

owned() { # owner file: takes the content from standard input
    if [ ! -e "secrets/$2" ]; then
        cat >"secrets/.$2"
        chmod 400 "secrets/.$2"
        [ "$(id -u)" != 0 ] || chown "$1" "secrets/.$2"
        mv "secrets/.$2" "secrets/$2"
    else
        cat >/dev/null
    fi
}
random() { head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

letterlock=10001:10001
postgres=999:999
redis=999:999

random | owned 0:0 postgresql_password
random | owned $postgres messages_password
random | owned $postgres keyring_password
random | owned 0:0 s3_user
random | owned 0:0 s3_password
broker=$(random)
printf 'requirepass %s\nmaxmemory 256mb\nmaxmemory-policy noeviction\n' "$broker" | owned $redis redis.conf
broker=$(sed -n 's/^requirepass //p' secrets/redis.conf)

printf 'postgresql://messages:%s@postgresql/letterlock' "$(cat secrets/messages_password)" | owned $letterlock database_url
printf 'postgresql://keyring:%s@postgresql/letterlock_keys' "$(cat secrets/keyring_password)" | owned $letterlock keyring_url
printf 'redis://:%s@redis:6379/0' "$broker" | owned $letterlock broker_url
printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$(cat secrets/s3_user)" "$(cat secrets/s3_password)" \
    | owned $letterlock s3_credentials

if [ ! -e secrets/relay_url ]; then
    printf '%s' "${RELAY_URL:?name your mail server: RELAY_URL=smtp://mail.example.org:25 sh deploy/compose/secrets.sh}" \
        | owned $letterlock relay_url
fi
echo "The files in ./secrets are made. Keep them out of backups that others read, and out of version control."
