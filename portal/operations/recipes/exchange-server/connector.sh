manage.py connector add exchange --networks «exchange_addresses» --login exchange --domains «domains» --tls
manage.py connector password exchange
