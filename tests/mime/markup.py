"""Looks at HTML with another parser than the cleaner's and tells what in it could act."""

import re
from html.parser import HTMLParser

from portal.mime.allowed import ATTRIBUTES, TAGS
from portal.mime.styles import PROPERTIES

OF_EVERY_LINK = {("target", "_blank"), ("rel", "noopener noreferrer nofollow")}
LINK = re.compile(r"(?:https?://|mailto:|tel:)[^\s\"'<>]*", re.IGNORECASE)
PICTURE = re.compile(r"data:image/(?:png|jpe?g|gif|webp|bmp);base64,[A-Za-z0-9+/=\s%]*|inline/[0-9]+", re.IGNORECASE)

MARKS = {"type": "cite", "class": "gmail_quote", "id": "divRplyFwdMsg"}


class Inspector(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.faults.append(f"tag {tag}")
        if tag == "a" and not set(attrs) >= OF_EVERY_LINK:
            self.faults.append("a link that opens here")
        for name, value in attrs:
            self.attribute(tag, name, value or "")

    def attribute(self, tag: str, name: str, value: str) -> None:
        if tag == "a" and (name, value) in OF_EVERY_LINK:
            return
        if name not in ATTRIBUTES["*"] and name not in ATTRIBUTES.get(tag, ()):
            self.faults.append(f"attribute {name} of {tag}")
        elif name == "href" and not LINK.fullmatch(value):
            self.faults.append(f"link {value[:40]}")
        elif name == "src" and not PICTURE.fullmatch(value):
            self.faults.append(f"picture {value[:40]}")
        elif name == "style":
            self.style(value)
        elif name in MARKS and tag in {"blockquote", "div"} and value != MARKS[name]:
            self.faults.append(f"mark {name} {value[:40]}")

    def style(self, value: str) -> None:
        if re.search(r"[\\@{}<>]|url|expression|/\*|javascript|image-set", value, re.IGNORECASE):
            self.faults.append(f"style {value[:40]}")
        for declaration in value.split(";"):
            if declaration.partition(":")[0] not in PROPERTIES:
                self.faults.append(f"property {declaration[:40]}")

    def handle_comment(self, data: str) -> None:
        self.faults.append("comment")

    def handle_decl(self, decl: str) -> None:
        self.faults.append("declaration")

    def handle_pi(self, data: str) -> None:
        self.faults.append("processing instruction")


def faults(html: str) -> list[str]:
    """What the allow-lists do not know in `html`; links must be in new windows."""
    inspector = Inspector()
    inspector.feed(html)
    inspector.close()
    return inspector.faults
