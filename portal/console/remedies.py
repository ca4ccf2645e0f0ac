"""What status codes of mail servers (RFC 3463, RFC 7372) mean in plain words, and what to do about them."""

from __future__ import annotations

from django.utils.translation import gettext as _

from portal.delivery.models import Bounce
from portal.delivery.refusing import sort_of

Sort = Bounce.Sort


def sorts() -> dict[str, str]:
    """The kinds of bounces, as filters and tags call them."""
    return {
        Sort.HARD: _("Hard"),
        Sort.SOFT: _("Soft"),
        Sort.BLOCKED: _("Blocked"),
        Sort.REPUTATION: _("Reputation"),
    }


def reason(status: str) -> str:
    """Why, in a few words."""
    known = {
        "1.1": _("There is no such mailbox"),
        "1.2": _("There is no such domain, or it takes no mail"),
        "1.10": _("The domain takes no mail"),
        "2.1": _("The mailbox is switched off"),
        "2.2": _("The mailbox is full"),
        "3.4": _("The mail is too large for them"),
        "4.1": _("Their server did not answer"),
        "4.4": _("The domain names no mail server"),
        "4.7": _("Their server was away for too long"),
        "7.1": _("Their server’s rules refuse it"),
        "7.10": _("They ask for encryption that could not be had"),
        "7.23": _("Our SPF record does not allow our server"),
        "7.25": _("Our server’s address has no name"),
        "7.26": _("SPF, DKIM or DMARC did not hold"),
    }
    general = {
        Sort.HARD: _("Their server refuses it for good"),
        Sort.SOFT: _("Their server does not take it now"),
        Sort.BLOCKED: _("Their server’s rules refuse it"),
        Sort.REPUTATION: _("Their server does not trust ours"),
    }
    return known.get(status.partition(".")[2]) or general[sort_of(status)]


def advice(status: str) -> str:
    """What to do first."""
    exact = {
        "7.23": _("Add the server’s address to the SPF record of the sending domain; manage.py doctor shows it."),
        "7.25": _("Have whoever gives you the address set its reverse DNS name to the server’s name."),
        "7.26": _("Look at SPF, DKIM and DMARC under Health; all three must hold for the domain in From."),
        "7.10": _("Ask the other side which certificate their mail server shows, and mend TLS there."),
    }
    general = {
        Sort.HARD: _("Check the address with the sender. If it is right, stop mail to it until the mailbox works."),
        Sort.SOFT: _("Nothing yet: it is tried again by itself. If it goes on for days, ask the recipient by phone."),
        Sort.BLOCKED: _("Ask the other side’s postmaster to let mail from your server in, and name the code."),
        Sort.REPUTATION: _(
            "Send slower to this domain, look at DNS under Health, and see the domain’s page for senders. Do not let "
            "mail be tried again by hand until it is mended."
        ),
    }
    return exact.get(status.partition(".")[2]) or general[sort_of(status)]
