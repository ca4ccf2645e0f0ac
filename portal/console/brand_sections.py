"""The parts of a brand's editor, and which fields each shows."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from branding import languages
from branding.models import Brand
from portal.access.brand_reading import USUAL_RIGHTS
from portal.console.brand_fields import Choices, Field, Section, ways
from portal.vault import templates


def _rights(_brand: Brand) -> Choices:
    said = {
        "reply": _("Reply"),
        "reply_all": _("Reply to all"),
        "forward": _("Forward"),
        "copy": _("Select and copy words"),
        "print": _("Print"),
        "download": _("Download files"),
        "watermark": _("Mark what is shown with the reader’s address"),
    }
    return [(name, said.get(name, name.replace("_", " ").capitalize()), "") for name in USUAL_RIGHTS]


def _spoken(_brand: Brand) -> Choices:
    return [(language.code, language.name, "") for language in languages.ALL]


def _templates(brand: Brand) -> Choices:
    rows = [row for row in templates.everyone() if row.state == row.State.PUBLISHED or row.slug == brand.template]
    return [("none", _("None: what is ticked below"), ""), *((row.slug, templates.name_of(row), "") for row in rows)]


def _levels(_brand: Brand) -> Choices:
    return [
        ("1", _("1: they read mail at that address"), _("A passcode is enough.")),
        ("2", _("2: their provider knows them"), _("A sign-in at a provider, or more.")),
        ("3", _("3: they have something besides"), _("A passkey, or a second proof as well.")),
    ]


def _of(*choices: tuple[str, str, str]) -> Callable[[Brand], Choices]:
    return lambda _brand: choices


def look() -> Section:
    return Section(
        "look",
        "brand",
        _("Look"),
        (
            Field("name", _("Name recipients see")),
            Field(
                "colour",
                _("Colour"),
                "colour",
                _("Like #14594F or seagreen. The rest of the palette is worked out from it."),
            ),
        ),
    )


def words() -> Section:
    return Section(
        "words", "brand-words", _("Words"), lead=_("Plain text. What you leave empty is the portal’s own sentence.")
    )


def confirm() -> Section:
    once = _("They confirm once, and read all messages of this brand to that address.")
    return Section(
        "confirm",
        "brand-confirm",
        _("How recipients confirm"),
        (
            Field("methods", _("Ways to confirm"), "checks", choices=ways),
            Field("minimum_level", _("At least"), "choice", _("A rule or the sender can ask for more."), _levels),
            Field(
                "session_scope",
                _("One proof opens"),
                "choice",
                choices=_of(
                    ("brand", _("All messages"), once),
                    ("message", _("One message"), _("Each message is confirmed on its own.")),
                ),
            ),
        ),
    )


def defaults() -> Section:
    attached = _(
        "The sealed message travels in the mail as message.html. Some mail "
        "systems refuse HTML files, and on some phones it only shows a preview."
    )
    asked = _("The portal fetches them, so whoever keeps them does not learn who reads.")
    subject = _("Subjects then travel in the mail, unprotected.")
    return Section(
        "defaults",
        "brand-defaults",
        _("Defaults"),
        (
            Field("open_days", _("Open until"), "number", _("Days after it was sent, 1 to 730; 0 for never.")),
            Field("template", _("Rights template"), "select", _("Where nobody names another."), _templates),
            Field("rights", _("Recipients may"), "checks", choices=_rights),
            Field(
                "reminder_days",
                _("Reminder"),
                "number",
                _("Days before a message closes, for whoever has not opened it. Empty for none."),
            ),
            Field("show_subject", _("Show the subject in mails"), "switch", subject),
            Field(
                "pictures",
                _("Pictures of the internet"),
                "choice",
                choices=_of(("ask", _("Shown if the reader asks"), asked), ("never", _("Never shown"), "")),
            ),
            Field(
                "reply_after_days",
                _("Answers after closing"),
                "number",
                _("Days after a message has closed in which it can still be answered. Empty for none."),
            ),
            Field("reply_notes", _("Mail a note to whoever answers"), "switch", _("Without the text of the answer.")),
            Field(
                "forward_domains",
                _("Readers may forward to"),
                "domains",
                _("Where a message lets them forward at all."),
            ),
            Field("tell_withdrawn", _("Tell recipients when a message is withdrawn"), "switch"),
            Field(
                "delivery",
                _("How messages travel"),
                "choice",
                choices=_of(
                    ("link", _("A link to the message"), ""), ("attachment", _("In the mail, encrypted"), attached)
                ),
            ),
            Field(
                "write_to",
                _("Anyone may write to this organisation"),
                "switch",
                _("On its own page, to its departments."),
            ),
            Field("language", _("Language"), "select", _("Where nothing better is known of a recipient."), _spoken),
        ),
    )


def addresses() -> Section:
    return Section(
        "addresses",
        "brand-addresses",
        _("Addresses"),
        (
            Field(
                "host",
                _("Host"),
                hint=_(
                    "The name in the address bar. Links in mails that were sent, and "
                    "passkeys, belong to the host they were made under: they end with "
                    "another one."
                ),
            ),
            Field("domains", _("Mail domains"), hint=_("Whoever writes from these domains writes under this brand.")),
            Field(
                "from_address",
                _("From"),
                hint=_("What the portal writes from, at the host or one of the domains. Empty for messages@ the host."),
            ),
            Field(
                "bounce_address",
                _("Bounces"),
                hint=_("bounce@ the host or one of the domains; each mail has an address of its own there."),
            ),
        ),
    )


def legal() -> Section:
    return Section(
        "legal",
        "brand-legal",
        _("Legal"),
        (
            Field(
                "postal_address",
                _("Postal address"),
                hint=_("Every mail says it at its end. A brand without one cannot be published."),
            ),
            Field("phone", _("Phone"), hint=_("What pages tell people to call when they are not sure.")),
            Field(
                "privacy_url",
                _("Privacy page"),
                hint=_("An https address. A language can have its own, among the words."),
            ),
            Field("imprint_url", _("Legal notice"), hint=_("An https address; at the foot of every page.")),
        ),
    )


def all_sections() -> list[Section]:
    return [look(), words(), confirm(), defaults(), addresses(), legal()]


def label_of(name: str) -> str:
    """What a field is called in a sentence."""
    others = {"logo": _("logo"), "words": _("words")}
    labels = {one.name: one.label for section in all_sections() for one in section.fields}
    found = labels.get(name)
    return found[:1].lower() + found[1:] if found else others.get(name, name.replace("_", " "))
