"""What to publish in DNS for a brand, so that its pages are found, its mail believed and its bounces come back; and
whether DNS has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.utils.translation import gettext as _

from branding import addresses
from branding.models import Brand
from portal.delivery import resolving, signing
from portal.delivery.errors import Deferred
from portal.delivery.models import DkimKey

Ask = Callable[[str, str], list[str]]
"""The records of a name and type as text; raises Deferred when no server says."""


class Kind(StrEnum):
    HOST = "host"
    MX = "mx"
    SPF = "spf"
    DKIM = "dkim"
    DMARC = "dmarc"
    MTA_STS = "mta-sts"
    TLS_RPT = "tls-rpt"


class State(StrEnum):
    WELL = "well"
    MISSING = "missing"
    WRONG = "wrong"
    UNKNOWN = "unknown"
    """No name server says."""


@dataclass(frozen=True)
class Record:
    """One record to publish. `value` is text to copy where the portal knows it whole, else an example."""

    kind: Kind
    name: str
    type: str
    value: str
    purpose: str
    needed: bool = True
    """Whether something fails without it; otherwise it is good to have."""


@dataclass(frozen=True)
class Checked:
    """What DNS has in place of a record, and what that means."""

    state: State
    found: tuple[str, ...]
    sentence: str


def records_of(brand: Brand) -> list[Record]:
    """All for a brand, in the order to publish them: its host, where bounces go, and the domain it writes from."""
    writes, bounces = addresses.portal_address(brand).rpartition("@")[2], addresses.bounce_domain(brand)
    found = [
        Record(
            Kind.HOST, brand.host, "A", "", _("Recipients open this host. It leads to your TLS proxy, also as AAAA.")
        )
    ]
    for domain in dict.fromkeys((bounces, writes)):
        found += [
            Record(Kind.MX, domain, "MX", _("10 and your mail server"), _("Bounces and answers come back to it.")),
            Record(Kind.SPF, domain, "TXT", "v=spf1 mx -all", _("Says which servers may send mail from it.")),
        ]
    keys = DkimKey.objects.filter(domain=writes).order_by("-active", "-made_at")
    found += [_of_key(key) for key in keys]
    found += [
        Record(
            Kind.DMARC,
            f"_dmarc.{writes}",
            "TXT",
            f"v=DMARC1; p=quarantine; rua=mailto:dmarc@{writes}",
            _("Tells receivers what to do with mail that only says it is yours."),
        ),
        Record(
            Kind.MTA_STS,
            f"_mta-sts.{bounces}",
            "TXT",
            "v=STSv1; id=1",
            _("With the policy at https://mta-sts.{domain}, others send to it over TLS only.").format(domain=bounces),
            needed=False,
        ),
        Record(
            Kind.TLS_RPT,
            f"_smtp._tls.{bounces}",
            "TXT",
            f"v=TLSRPTv1; rua=mailto:tls@{bounces}",
            _("Others report to you where their TLS to it fails."),
            needed=False,
        ),
    ]
    return found


def check(record: Record, ask: Ask = resolving.texts) -> Checked:
    """What DNS has of a record now; a name server that gives no answer is none."""
    try:
        return _CHECKS[record.kind](record, ask)
    except Deferred:
        return Checked(State.UNKNOWN, (), _("No name server gave an answer."))


def _of_key(key: DkimKey) -> Record:
    name, value = signing.record_of(key)
    used = (
        _("Mail is signed with it.") if key.active else _("A key that is not used: publish it before you switch it on.")
    )
    return Record(Kind.DKIM, name, "TXT", value, used, needed=key.active)


def _host(record: Record, ask: Ask) -> Checked:
    found = _addresses(record.name, ask)
    if not found:
        return _missing(_("The name has no address. No recipient can open a link."))
    portal = settings.LETTERLOCK.public_host
    other = [] if portal == record.name else _addresses(portal, ask)
    if other and not set(found) & set(other):
        said = _("It leads elsewhere than {portal}. That is right only if both proxies lead here.").format(
            portal=portal
        )
        return Checked(State.WRONG, tuple(found), said)
    return Checked(State.WELL, tuple(found), _("It has an address."))


def _addresses(name: str, ask: Ask) -> list[str]:
    return [*ask(name, "A"), *ask(name, "AAAA")]


def _mx(record: Record, ask: Ask) -> Checked:
    found = ask(record.name, "MX")
    if not found:
        return _missing(_("There is no MX record. Bounces and answers are lost."))
    if all(one.split()[-1] == "." for one in found):  # RFC 7505
        return Checked(State.WRONG, tuple(found), _("It says that this domain takes no mail."))
    return Checked(State.WELL, tuple(found), _("Mail for it has a place to go."))


def _spf(record: Record, ask: Ask) -> Checked:
    """RFC 7208."""
    found = [text for text in ask(record.name, "TXT") if text.lower().split(" ")[0] == "v=spf1"]
    if not found:
        return _missing(_("There is no SPF record. Receivers cannot tell your mail from forged mail."))
    if len(found) > 1:
        return Checked(State.WRONG, tuple(found), _("There are several SPF records, and then none counts."))
    words = found[0].lower().split()
    if {"+all", "all"} & set(words):
        return Checked(State.WRONG, tuple(found), _("It lets every computer send in your name."))
    return Checked(State.WELL, tuple(found), _("There is one."))


def _dkim(record: Record, ask: Ask) -> Checked:
    """RFC 6376 section 3.6.1."""
    wanted = _tags(record.value).get("p")
    found = [text for text in ask(record.name, "TXT") if "p" in _tags(text)]
    if any(_tags(text)["p"] == wanted for text in found):
        return Checked(State.WELL, tuple(found), _("The key is there."))
    if found:
        return Checked(State.WRONG, tuple(found), _("There is another key. Every signature is found broken."))
    return _missing(_("The key is not there. Receivers cannot check a signature."))


def _dmarc(record: Record, ask: Ask) -> Checked:
    """RFC 7489; a record of a domain above counts for those below it."""
    labels = record.name.removeprefix("_dmarc.").split(".")
    for start in range(max(1, len(labels) - 1)):
        found = [
            text
            for text in ask(f"_dmarc.{'.'.join(labels[start:])}", "TXT")
            if text.lower().replace(" ", "").startswith("v=dmarc1")
        ]
        if len(found) > 1:
            return Checked(State.WRONG, tuple(found), _("There are several DMARC records, and then none counts."))
        if found and _tags(found[0].lower()).get("p") == "none":
            return Checked(State.WRONG, tuple(found), _("It lets forged mail through (p=none)."))
        if found:
            return Checked(State.WELL, tuple(found), _("There is one."))
    return _missing(_("There is no DMARC record. Anybody can write as if they were you."))


def _beginning(begin: str) -> Callable[[Record, Ask], Checked]:
    def look(record: Record, ask: Ask) -> Checked:
        found = [text for text in ask(record.name, "TXT") if text.lower().startswith(begin)]
        if len(found) > 1:
            return Checked(State.WRONG, tuple(found), _("There are several records, and then none counts."))
        if found:
            return Checked(State.WELL, tuple(found), _("There is one."))
        return _missing(_("There is none. It is not needed, and good to have."))

    return look


def _missing(sentence: str) -> Checked:
    return Checked(State.MISSING, (), sentence)


def _tags(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): "".join(value.split()) for name, found, value in pairs if found}


_CHECKS: dict[Kind, Callable[[Record, Ask], Checked]] = {
    Kind.HOST: _host,
    Kind.MX: _mx,
    Kind.SPF: _spf,
    Kind.DKIM: _dkim,
    Kind.DMARC: _dmarc,
    Kind.MTA_STS: _beginning("v=stsv1"),
    Kind.TLS_RPT: _beginning("v=tlsrptv1"),
}
