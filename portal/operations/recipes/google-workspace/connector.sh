manage.py connector add google --networks «google_networks» --domains «domains» --tls --header X-Letterlock-Customer
