"""A mail in its brand's dress: the two templates of one name with the brand's words, and its logo beside the HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.template.defaultfilters import wordwrap
from django.template.loader import render_to_string
from django.utils import translation

from branding import choosing, logos, words
from branding.models import Brand
from branding.templatetags.words import plain_day
from portal.delivery import moulds
from portal.mime.building import Heads, Picture, alternative

LINE = 72
"""Characters of a line of text, as the templates wrap it."""
_SENDER, _DATE = "_sender", "_date"
"""What a brand's words may speak of. No template can name them."""


@dataclass(frozen=True)
class Dressed:
    """Both bodies of a mail, and the pictures that the HTML names."""

    text: str = field(repr=False)
    html: str = field(repr=False)
    pictures: tuple[Picture, ...] = field(default=(), repr=False)

    def mail(self, heads: Heads) -> bytes:
        """The whole mail. Raises BadAddress, BadHeader."""
        return alternative(heads, self.text, self.html, self.pictures)


def dressed(template: str, brand: Brand, context: Mapping[str, object]) -> Dressed:
    """A mail to somebody who is no recipient, or one that may say nothing of its own: with the logo alone.

    A passcode mail is one of these: a phone takes any other four digits in it for the code, and it has no link.
    """
    return Dressed(*_bodies(template, brand, context), _pictures(brand))


def dressed_for_reader(
    template: str,
    brand: Brand,
    context: Mapping[str, object],
    sender: str = "",
    until: datetime | None = None,
    own: Mapping[str, str] | None = None,
) -> Dressed:
    """A mail to a recipient: with all words of the brand in the language that is spoken now (branding.words).

    `sender` is how the writer is called, `until` the end of the message's last day, where they are known. `own` is what
    the templates say of this one mail and of no other, where many are alike but for that (portal.delivery.moulds).
    """
    said = {**(own or {}), _SENDER: sender, _DATE: plain_day(until)}

    def bodies(said: Mapping[str, str]) -> tuple[str, str]:
        shown = {**context, **said, **_brands_own(brand, said)}
        return _bodies(template, brand, shown)

    if own is None:
        text, html = bodies(said)
    else:
        alike = (template, _look(brand), translation.get_language(), *context.items())
        text, html = moulds.of(alike, said, bodies).filled(said)
    return Dressed(_wrapped(text), html, _pictures(brand))


def _brands_own(brand: Brand, said: Mapping[str, str]) -> dict[str, object]:
    named = words.privacy_url(brand)
    return {
        "said": words.for_mail(brand, said[_SENDER], said[_DATE]),
        # The brand's page about it, which names the organisation's own statement: every link of a mail leads to the one
        # host that it tells people to check.
        "privacy_page": f"{choosing.origin(brand)}/privacy/" if named else "",
    }


def _bodies(template: str, brand: Brand, context: Mapping[str, object]) -> tuple[str, str]:
    logo = logos.in_mail(brand)
    shown = {"brand": brand, **context, "logo": _named(brand, logo) if logo else None}
    text: str = render_to_string(f"mail/{template}.txt", shown)
    foot = render_to_string("mail/foot.txt", shown).strip()
    if foot:
        text = f"{text.rstrip()}\n\n{foot}\n"
    return text, render_to_string(f"mail/{template}.html", shown)


def _pictures(brand: Brand) -> tuple[Picture, ...]:
    logo = logos.in_mail(brand)
    return (Picture(_content_id(brand, logo), "image/png", logo.png),) if logo else ()


def _look(brand: Brand) -> str:
    """All that stands in a brand's row: whatever is changed of it, its mails are made anew."""
    return repr([getattr(brand, field.attname) for field in brand._meta.concrete_fields])


def _wrapped(text: str) -> str:
    """Long lines wrapped; a link is one word and stays whole."""
    lines = text.split("\n")
    return "\n".join(wordwrap(line, LINE) if len(line) > LINE else line for line in lines)


def _named(brand: Brand, logo: logos.InMail) -> dict[str, object]:
    return {"content_id": _content_id(brand, logo), "width": logo.width, "height": logo.height}


def _content_id(brand: Brand, logo: logos.InMail) -> str:
    return f"logo.{logo.digest[:16]}@{brand.host}"
