# In the Exchange Management Shell. The old way out opens first, so that mail never has none.
$ErrorActionPreference = 'Stop'
$toPortal = «title» + ': to the portal'
Set-SendConnector -Identity «send_connector» -Enabled $true
Get-SendConnector | Where-Object { $_.Name -eq $toPortal } | Remove-SendConnector -Confirm:$false
