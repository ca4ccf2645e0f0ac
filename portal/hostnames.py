"""Names of hosts and domains in their one form: lower case, in ASCII by IDNA 2008 (RFC 5891).

Python's codec "idna" is of 2003 and makes `strasse.example` of `straße.example`, which may be somebody else's.
"""

import encodings.idna
import re
import unicodedata

LONGEST = 253
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# Letters that IDNA 2008 keeps and IDNA 2003 (Python's codec) would replace (RFC 5894 §7.2).
_KEPT_BY_IDNA_2008 = re.compile("[ßς\u200c\u200d]")


def ascii_name(text: str) -> str:
    """The one form of a name. Raises ValueError for what is none."""
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())
    labels = text.removesuffix(".").split(".")
    name = ".".join([label if label.isascii() else _ascii_label(label) for label in labels])
    if len(name) > LONGEST or not all(map(_LABEL.fullmatch, name.split("."))):
        raise ValueError("it is no name of a host or domain.")
    return name


def _ascii_label(label: str) -> str:
    if len(label) > 63:  # Python's codec takes quadratic time
        raise ValueError("a part of it is too long.")
    if _KEPT_BY_IDNA_2008.search(label):
        return "xn--" + label.encode("punycode").decode("ascii")
    return encodings.idna.ToASCII(label).decode("ascii").lower()
