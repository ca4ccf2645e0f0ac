#!/bin/sh
# Letterlock's command line with the settings and the user of its services. docs/deploy.md installs it as manage.py.
set -eu
home=/opt/letterlock
settings=/etc/letterlock/environment
if [ ! -r "$settings" ]; then
    echo "$settings cannot be read: run this as root." >&2
    exit 1
fi
export LETTERLOCK_DATA=/var/lib/letterlock PYTHONDONTWRITEBYTECODE=1
# Read as systemd reads it, not run by the shell: a value may hold spaces, and need not be quoted.
while IFS= read -r line || [ -n "$line" ]; do
    case $line in [A-Za-z_]*=*) ;; *) continue ;; esac
    value=${line#*=}
    case $value in
        \"*\") value=${value#?} value=${value%?} ;;
        \'*\') value=${value#?} value=${value%?} ;;
    esac
    export "${line%%=*}=$value"
done < "$settings"
umask 077
exec runuser -u letterlock -- "$home/.venv/bin/python" "$home/manage.py" "$@"
