"""What can be changed of a brand: each option with its field, what it is, how it is read and how it is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from branding import addresses, languages
from branding.models import Brand
from portal.access import brand_reading as reading
from portal.access.brand_reading import ALL, MOST_OPEN_DAYS, USUAL_RIGHTS
from portal.vault.rights import Rights

LONGEST_ADDRESS = 240
LONGEST_PHONE = 40


@dataclass(frozen=True)
class Option:
    """`read` takes the brand and what was said, and gives the field's value or raises BadOption."""

    name: str
    field: str
    help: str
    read: Callable[[Brand, str], object]
    show: Callable[[Brand], str]


OPTIONS = (
    Option(
        "methods",
        "methods",
        "`all`, or some of passcode, passkey and short names of providers",
        reading.methods,
        lambda brand: ALL if brand.methods is None else " ".join(brand.methods),
    ),
    Option(
        "level",
        "minimum_level",
        "least assurance for its messages, 1 to 3",
        reading.level,
        lambda brand: str(brand.minimum_level),
    ),
    Option(
        "scope",
        "session_scope",
        "what one proof opens: brand or message",
        reading.one_of("brand", "message"),
        lambda brand: brand.session_scope,
    ),
    Option(
        "delivery",
        "delivery",
        "how its messages reach recipients: link or attachment",
        reading.one_of("link", "attachment"),
        lambda brand: brand.delivery,
    ),
    Option(
        "pictures",
        "pictures",
        "pictures of the internet: ask or never",
        reading.one_of("ask", "never"),
        lambda brand: brand.pictures,
    ),
    Option(
        "language",
        "language",
        "what its pages and mails speak to whom nothing better is known of",
        reading.one_of(*(language.code for language in languages.ALL)),
        languages.of_brand,
    ),
    Option(
        "reminder-days",
        "reminder_days",
        "so many days before a message closes, whoever has not opened it is reminded once; or off",
        reading.days,
        lambda brand: str(brand.reminder_days or "off"),
    ),
    Option(
        "tell-withdrawn",
        "tell_withdrawn",
        "whether recipients are told that a message was withdrawn: on or off",
        reading.switch,
        lambda brand: _on(brand.tell_withdrawn),
    ),
    Option(
        "forward-domains",
        "forward_domains",
        "where its readers may forward to, if a message lets them: any, none or mail domains",
        reading.domains,
        lambda brand: "any" if brand.forward_domains is None else " ".join(brand.forward_domains) or "none",
    ),
    Option(
        "reply-after-days",
        "reply_after_days",
        "so many days after a message has closed it can still be answered; or off",
        lambda brand, said: reading.days(brand, said) or 0,
        lambda brand: str(brand.reply_after_days or "off"),
    ),
    Option(
        "grace-days",
        "grace_days",
        "so many days after a message has closed its keys are kept, so that its reader can ask for more time; or off",
        reading.grace,
        lambda brand: str(brand.grace_days or "off"),
    ),
    Option(
        "reply-notes",
        "reply_notes",
        "whether whoever answers is mailed a note of it, without its text: on or off",
        reading.switch,
        lambda brand: _on(brand.reply_notes),
    ),
    Option(
        "write-to",
        "write_to",
        "whether anyone may write to its departments: on or off (docs/write-to-us.md)",
        reading.switch,
        lambda brand: _on(brand.write_to),
    ),
    Option("name", "name", "what recipients know the organisation by", reading.name, lambda brand: f"“{brand.name}”"),
    Option(
        "colour",
        "colour",
        "six hex digits or a name of CSS; the palette is worked out",
        reading.colour,
        lambda brand: brand.colour,
    ),
    Option(
        "open-days",
        "open_days",
        f"so many days its messages stay open unless something says otherwise, 1 to {MOST_OPEN_DAYS}; 0 for ever",
        reading.open_days,
        lambda brand: str(brand.open_days),
    ),
    Option(
        "rights",
        "rights",
        f"what recipients may do unless something says otherwise: some of {', '.join(USUAL_RIGHTS)}, or none",
        reading.rights,
        lambda brand: " ".join(rights_of(brand)) or "none",
    ),
    Option(
        "show-subject",
        "show_subject",
        "whether the notice says the subject, which then travels unprotected: on or off",
        reading.switch,
        lambda brand: _on(brand.show_subject),
    ),
    Option(
        "postal-address",
        "postal_address",
        "what its mails say at their end",
        reading.line(LONGEST_ADDRESS),
        lambda brand: f"“{brand.postal_address}”",
    ),
    Option(
        "phone",
        "phone",
        "what pages tell people to call",
        reading.line(LONGEST_PHONE),
        lambda brand: f"“{brand.phone}”",
    ),
    Option(
        "privacy-url",
        "privacy_url",
        "its privacy statement, https",
        reading.url,
        lambda brand: brand.privacy_url or "–",
    ),
    Option(
        "template",
        "template",
        "short name of the rights template that holds where nobody names another, or none",
        reading.template,
        lambda brand: brand.template or "none",
    ),
    Option(
        "imprint-url", "imprint_url", "its legal notice, https", reading.url, lambda brand: brand.imprint_url or "–"
    ),
    Option(
        "host", "host", "the name its pages are at, no port", reading.place(addresses.host), lambda brand: brand.host
    ),
    Option(
        "domains",
        "domains",
        "mail domains whose senders write under this brand",
        reading.place(reading.split),
        lambda brand: " ".join(brand.domains) or "none",
    ),
    Option(
        "from-address",
        "from_address",
        "what its portal writes from, at its host or one of its domains; empty for messages@ its host",
        reading.place(addresses.from_address),
        addresses.portal_address,
    ),
    Option(
        "bounce-address",
        "bounce_address",
        "where its mails come back to, bounce@ one of these; empty for what holds without one",
        reading.place(addresses.bounce_address),
        lambda brand: f"{addresses.BOUNCE}@{addresses.bounce_domain(brand)}",
    ),
)
BY_FIELD = {option.field: option for option in OPTIONS}


def rights_of(brand: Brand) -> list[str]:
    """The rights that a brand's messages have unless something says otherwise."""
    granted = Rights().changed(brand.rights)
    return [name for name in USUAL_RIGHTS if getattr(granted, name)]


def _on(value: bool) -> str:
    return "on" if value else "off"
