"""The rows of the vault, by subject. Django finds them by this module."""

from __future__ import annotations

from portal.vault.models.drafts import Approach, Arriving, ArrivingPiece, Unsent, UnsentFile
from portal.vault.models.keys import Epoch, Generation, Leaf, Wrap
from portal.vault.models.messages import Blob, Message
from portal.vault.models.passing import Fetched, Parked
from portal.vault.models.readers import Phrase, Reader, SearchToken
from portal.vault.models.templates import RightsTemplate

__all__ = [
    "Approach",
    "Arriving",
    "ArrivingPiece",
    "Blob",
    "Epoch",
    "Fetched",
    "Generation",
    "Leaf",
    "Message",
    "Parked",
    "Phrase",
    "Reader",
    "RightsTemplate",
    "SearchToken",
    "Unsent",
    "UnsentFile",
    "Wrap",
]
