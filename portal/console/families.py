"""What a webhook can be told, by families of events, in words."""

from __future__ import annotations

from django.utils.translation import gettext as _

from portal.audit import finding


def families() -> dict[str, str]:
    """Families that can be told, by what their kinds begin with (docs/events.md), in words: the usual ones, and which
    others were recorded here. One that no words are kept for has ""."""
    usual, rare = _usual(), _rare()
    seen = {finding.room_of(kind) for kind in finding.kinds()} - {"webhook"} - usual.keys()
    return usual | {room: rare.get(room, "") for room in sorted(seen)}


def _usual() -> dict[str, str]:
    return {
        "message": _("Messages: taken, sealed, opened, withdrawn, closed"),
        "wrapper": _("Notices: handed over, put off, come back"),
        "reply": _("Answers that were delivered"),
        "file": _("Files that were looked at or downloaded"),
        "recipient": _("Recipients: passcodes, confirmed addresses, passkeys"),
        "sender": _("Senders: what they were told, and how they signed in"),
        "bulk": _("Many messages at once: how a run went"),
        "rules": _("Rules that were published"),
        "brand": _("Brands that were changed or published"),
        "keys": _("Keys: new ones, backups, recovery"),
        "administrator": _("Administrators: added, removed, signed in"),
        "audit": _("The record: checked, taken away"),
        "tip": _("What rules told senders"),
    }


def _rare() -> dict[str, str]:
    return {
        "address": _("Addresses that mail was stopped to, or let go again"),
        "admin": _("Tokens of programs: made, renewed, revoked"),
        "authenticator": _("Authenticator apps: set up, removed"),
        "connector": _("Connectors: made, changed, removed"),
        "delivery": _("Mail that was let try again at once"),
        "department": _("Departments that anyone may write to"),
        "directory": _("The directory: people and groups"),
        "dkim": _("Keys that sign mail"),
        "doctor": _("Test mail of manage.py doctor"),
        "grant": _("Forged rows by which somebody signs in"),
        "grants": _("The seals of rows by which people sign in"),
        "health": _("Test messages through the whole chain"),
        "incident": _("Mail that people inside were told of"),
        "messages": _("Searches for messages, and lists saved"),
        "passcodes": _("Too much passcode mail asked for"),
        "provider": _("Providers to sign in at: added, switched, removed"),
        "refusal": _("Refusals that their senders were told of"),
        "reports": _("Reports: saved, mailed, counted anew"),
        "retention": _("How long old rows are kept"),
        "rights_template": _("Rights templates: made, changed, archived"),
        "rule": _("Rules that are only logged, or were overridden"),
        "session": _("Forged rows of signed-in browsers"),
    }
