set -eu
postconf -M letterlock_cleanup/unix='letterlock_cleanup unix n - n - 0 cleanup -o header_checks=regexp:/etc/postfix/letterlock_checks'
postconf -P «submission.service»=letterlock_cleanup
postfix reload
