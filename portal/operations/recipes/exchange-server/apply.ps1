# In the Exchange Management Shell. It asks for the login of connector.sh. Nothing is changed when the connector is there.
$ErrorActionPreference = 'Stop'
$toPortal = «title» + ': to the portal'
$today = «send_connector»

if (@(Get-SendConnector | Where-Object { $_.Name -eq $toPortal }).Count) {
    throw "$toPortal is there already. Run undo.ps1 first."
}
$old = Get-SendConnector -Identity $today
$login = Get-Credential -UserName 'exchange' -Message 'The password that manage.py connector password printed'

# Over TLS only, to a server that proves the portal's name; the password is sent inside it.
New-SendConnector -Name $toPortal -Usage Custom -AddressSpaces 'SMTP:*;1' -Enabled $false `
    -SourceTransportServers $old.SourceTransportServers `
    -DNSRoutingEnabled $false -SmartHosts «portal» -Port 587 `
    -RequireTLS $true -TlsAuthLevel DomainValidation -TlsDomain «certificate» `
    -SmartHostAuthMechanism BasicAuthRequireTLS -AuthenticationCredential $login

# From here on all that leaves passes the portal.
Set-SendConnector -Identity $toPortal -Enabled $true
Set-SendConnector -Identity $today -Enabled $false
