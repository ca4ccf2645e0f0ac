"""Why a change of a brand's versions is refused."""

from __future__ import annotations

from collections.abc import Sequence


class VersionRefused(Exception):
    """Any of these."""


class SavedMeanwhile(VersionRefused):
    """Somebody else saved what is to be changed, after it was read."""


class DraftIsOld(VersionRefused):
    """Something else became live since the draft was begun."""


class NoVersion(VersionRefused):
    """There is no version of this number."""


class NotPublishable(VersionRefused):
    """Something is missing or taken; `sentences` say what, for an administrator."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = tuple(sentences)
