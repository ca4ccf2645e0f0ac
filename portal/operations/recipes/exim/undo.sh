rm -f /etc/exim4/conf.d/main/000_letterlock /etc/exim4/conf.d/router/000_letterlock /etc/exim4/conf.d/transport/000_letterlock
rm -f /etc/exim4/letterlock_acl
update-exim4.conf
systemctl restart exim4
exim4 -qff
