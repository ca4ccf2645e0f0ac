"""A mail in its brand's dress: the two templates of one name with the brand's words, and its logo beside the HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.template.loader import render_to_string

from branding import choosing, logos, words
from branding.models import Brand, Logo
from branding.templatetags.words import plain_day
from portal.mime.building import Heads, Picture, alternative


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
    return _dressed(template, brand, context)


def dressed_for_reader(
    template: str, brand: Brand, context: Mapping[str, object], sender: str = "", until: datetime | None = None
) -> Dressed:
    """A mail to a recipient: with all words of the brand in the language that is spoken now (branding.words).

    `sender` is how the writer is called, `until` the end of the message's last day, where they are known.
    """
    own = words.privacy_url(brand)
    return _dressed(
        template,
        brand,
        {
            **context,
            "said": words.for_mail(brand, sender, plain_day(until)),
            # The brand's page about it, which names the organisation's own statement: every link of a mail leads to
            # the one host that it tells people to check.
            "privacy_page": f"{choosing.origin(brand)}/privacy/" if own else "",
        },
    )


def _dressed(template: str, brand: Brand, context: Mapping[str, object]) -> Dressed:
    logo = logos.of(brand)
    shown = {**context, "logo": _named(brand, logo) if logo and logo.mail_png else None}
    text: str = render_to_string(f"mail/{template}.txt", shown)
    foot = render_to_string("mail/foot.txt", shown).strip()
    if foot:
        text = f"{text.rstrip()}\n\n{foot}\n"
    html = render_to_string(f"mail/{template}.html", shown)
    if logo is None or not logo.mail_png:
        return Dressed(text, html)
    return Dressed(text, html, (Picture(_content_id(brand, logo), "image/png", bytes(logo.mail_png)),))


def _named(brand: Brand, logo: Logo) -> dict[str, object]:
    return {"content_id": _content_id(brand, logo), "width": logo.mail_width, "height": logo.mail_height}


def _content_id(brand: Brand, logo: Logo) -> str:
    return f"logo.{logo.digest[:16]}@{brand.host}"
