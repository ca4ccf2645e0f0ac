# Connect-ExchangeOnline first. Gives all rules that set the customer header its new value.
$ErrorActionPreference = 'Stop'
$header = 'X-Letterlock-Customer'
$login = Get-Credential -UserName $header -Message 'The value that manage.py connector printed'
$customer = $login.GetNetworkCredential().Password
if ($customer.Length -ne 48) { throw 'The value has 48 letters and digits. Nothing was changed.' }
Get-TransportRule | Where-Object { $_.SetHeaderName -eq $header } |
    Set-TransportRule -SetHeaderName $header -SetHeaderValue $customer
