"""What to publish in DNS for a brand, so that its pages are found, its mail believed and its bounces come back; and
whether DNS has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.utils.translation import gettext as _

from branding import addresses
from branding.models import Brand
from portal.delivery import published, resolving, signing
from portal.delivery.errors import Deferred
from portal.delivery.models import DkimKey
from portal.delivery.published import Ask, Fault, Published


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
        return Checked(State.MISSING, (), _("The name has no address. No recipient can open a link."))
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
    return _said(
        published.exchangers(ask, record.name),
        _("Mail for it has a place to go."),
        {
            Fault.MISSING: _("There is no MX record. Bounces and answers are lost."),
            Fault.TAKES_NO_MAIL: _("It says that this domain takes no mail."),
        },
    )


def _spf(record: Record, ask: Ask) -> Checked:
    return _said(
        published.spf(ask, record.name),
        _("There is one."),
        {
            Fault.MISSING: _("There is no SPF record. Receivers cannot tell your mail from forged mail."),
            Fault.SEVERAL: _("There are several SPF records, and then none counts."),
            Fault.ANYONE: _("It lets every computer send in your name."),
        },
    )


def _dkim(record: Record, ask: Ask) -> Checked:
    return _said(
        published.dkim(ask, record.name, published.tags(record.value)["p"]),
        _("The key is there."),
        {
            Fault.MISSING: _("The key is not there. Receivers cannot check a signature."),
            Fault.OTHER_KEY: _("There is another key. Every signature is found broken."),
        },
    )


def _dmarc(record: Record, ask: Ask) -> Checked:
    return _said(
        published.dmarc(ask, record.name.removeprefix("_dmarc.")),
        _("There is one."),
        {
            Fault.MISSING: _("There is no DMARC record. Anybody can write as if they were you."),
            Fault.SEVERAL: _("There are several DMARC records, and then none counts."),
            Fault.LETS_THROUGH: _("It lets forged mail through (p=none)."),
        },
    )


def _beginning(begin: str) -> Callable[[Record, Ask], Checked]:
    def look(record: Record, ask: Ask) -> Checked:
        return _said(
            published.one_text(ask, record.name, lambda text: text.lower().startswith(begin)),
            _("There is one."),
            {
                Fault.MISSING: _("There is none. It is not needed, and good to have."),
                Fault.SEVERAL: _("There are several records, and then none counts."),
            },
        )

    return look


def _said(seen: Published, well: str, faults: Mapping[Fault, str]) -> Checked:
    if seen.fault is None:
        return Checked(State.WELL, seen.found, well)
    state = State.MISSING if seen.fault is Fault.MISSING else State.WRONG
    return Checked(state, seen.found, faults[seen.fault])


_CHECKS: dict[Kind, Callable[[Record, Ask], Checked]] = {
    Kind.HOST: _host,
    Kind.MX: _mx,
    Kind.SPF: _spf,
    Kind.DKIM: _dkim,
    Kind.DMARC: _dmarc,
    Kind.MTA_STS: _beginning("v=stsv1"),
    Kind.TLS_RPT: _beginning("v=tlsrptv1"),
}
