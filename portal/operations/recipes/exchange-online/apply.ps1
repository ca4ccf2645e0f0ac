# Connect-ExchangeOnline first, as an Exchange administrator. Nothing is changed when anything of the same name is there.
$ErrorActionPreference = 'Stop'
$title = «title»
$toPortal = $title + ': to the portal'
$fromPortal = $title + ': from the portal'

$there = @(Get-OutboundConnector -IsTransportRuleScoped $true) + @(Get-InboundConnector) + @(Get-TransportRule)
foreach ($one in $there) {
    if ($one.Name.StartsWith($title + ': ')) { throw "$($one.Name) is there already. Run undo.ps1 first." }
}

# Where Exchange Online sends from is shared by all its customers; this header is what shows that mail is yours.
$header = 'X-Letterlock-Customer'
$login = Get-Credential -UserName $header -Message 'The value that manage.py connector printed'
$customer = $login.GetNetworkCredential().Password
if ($customer.Length -ne 48) { throw 'The value has 48 letters and digits. Nothing was changed.' }

# Over TLS only, to a server that proves the portal's name.
New-OutboundConnector -Name $toPortal -ConnectorType OnPremises -IsTransportRuleScoped $true `
    -UseMXRecord $false -SmartHosts «portal» `
    -TlsSettings DomainValidation -TlsDomain «certificate»

# What comes from the portal's own addresses counts as the organisation's mail and may go anywhere.
New-InboundConnector -Name $fromPortal -ConnectorType OnPremises -SenderDomains '*' `
    -SenderIPAddresses «portal_addresses»

# Exchange cannot check a seal. So the header is believed only on mail that the portal's addresses bring, and taken
# from all other mail before the rules below look at it.
New-TransportRule -Name ($title + ': seals of others') -Priority 0 `
    -HeaderMatchesMessageHeader 'X-Letterlock-Seal' -HeaderMatchesPatterns '.' `
    -ExceptIfSenderIpRanges «portal_addresses» `
    -RemoveHeader 'X-Letterlock-Seal' -RuleErrorAction Defer

# Mail that cannot be looked at waits instead of leaving in clear (Defer).
$handOver = @{
    FromScope = 'InOrganization'
    RouteMessageOutboundConnector = $toPortal
    SetHeaderName = $header
    SetHeaderValue = $customer
    ExceptIfHeaderContainsMessageHeader = 'X-Letterlock-Seal'
    ExceptIfHeaderContainsWords = 'v=1'
    RuleErrorAction = 'Defer'
}
New-TransportRule -Name ($title + ': subject') -Priority 1 @handOver `
    -SubjectMatchesPatterns «tags.tag»
New-TransportRule -Name ($title + ': header') -Priority 2 @handOver `
    -HeaderMatchesMessageHeader 'X-Letterlock-Protect' -HeaderMatchesPatterns '.'
New-TransportRule -Name ($title + ': sensitivity') -Priority 3 @handOver `
    -HeaderContainsMessageHeader 'Sensitivity' -HeaderContainsWords 'Company-Confidential'
New-TransportRule -Name ($title + ': answers') -Priority 4 @handOver `
    -HeaderMatchesMessageHeader 'In-Reply-To' -HeaderMatchesPatterns «portal.message_id»
