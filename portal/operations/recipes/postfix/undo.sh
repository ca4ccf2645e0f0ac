postconf -X header_checks
postconf -PX «submission.service»
postconf -MX letterlock_cleanup/unix letterlock/unix «back.service»
rm -f /etc/postfix/letterlock_checks
postfix reload
postsuper -r ALL
