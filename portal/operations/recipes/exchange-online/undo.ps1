# Connect-ExchangeOnline first. Rules go first, so that no mail meets a rule whose connector is gone.
$ErrorActionPreference = 'Stop'
$title = «title»
Get-TransportRule | Where-Object { $_.Name.StartsWith($title + ': ') } | Remove-TransportRule -Confirm:$false
Get-OutboundConnector -IsTransportRuleScoped $true | Where-Object { $_.Name -eq $title + ': to the portal' } |
    Remove-OutboundConnector -Confirm:$false
Get-InboundConnector | Where-Object { $_.Name -eq $title + ': from the portal' } |
    Remove-InboundConnector -Confirm:$false
