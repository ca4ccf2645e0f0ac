manage.py connector add microsoft --networks «microsoft_networks» --domains «domains» --tls --header X-Letterlock-Customer
