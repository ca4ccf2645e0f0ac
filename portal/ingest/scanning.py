"""What is to be sealed is looked at for viruses first: the mail as it came, then each of its parts as we read it.

Both, because a scanner may take a mail apart in another way than we do.
"""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from portal import viruses
from portal.delivery import naming
from portal.ingest.errors import VirusFound
from portal.ingest.spoolfile import Envelope
from portal.mime.reading import Letter


def check(raw: bytes, letter: Letter, envelope: Envelope) -> datetime | None:
    """When nothing was found; None while no scanner is set.

    Raises:
        VirusFound: it is to be held.
        portal.viruses.ScannerAway, TooLargeToScan: it was not checked, so it must not go on.
    """
    if not viruses.is_on():
        return None
    for part in letter.parts:
        if virus := viruses.find([part.data], len(part.data)):
            words = _("In the file “{name}” a virus was found ({virus}).").format(name=part.name, virus=virus)
            raise VirusFound(virus, _writer(envelope), words)
    if virus := viruses.find([raw], len(raw)):
        raise VirusFound(virus, _writer(envelope), _("A virus was found in it ({virus}).").format(virus=virus))
    return timezone.now()


def _writer(envelope: Envelope) -> str:
    """Who is told: our own people and those who wrote here. Anyone else may be forged."""
    ours = envelope.trusted or envelope.source == "reply" or naming.is_inside(envelope.sender)
    return envelope.sender if ours else ""
