"""What every kind of keyring must do; a test module inherits it with a `keyring` of its kind."""

from __future__ import annotations

import pytest

from portal.keys.errors import KeyDestroyed, NoSuchKey, VersionConflict
from portal.keys.keyring import Keyring
from portal.keys.objects import Contents


class KeyringRules:
    """Needs fixtures `keyring` (made, with the anchor b"anchor") and `unmade` (a place where nothing is yet)."""

    def test_objects_are_made_read_changed_and_destroyed(self, keyring: Keyring) -> None:
        keyring.create("one", b"first")
        assert keyring.read("one") == (1, b"first")
        keyring.replace("one", b"second", expected=1)
        assert keyring.read("one") == (2, b"second")
        assert keyring.header("one").version == 2
        keyring.create("two", b"")
        assert keyring.names() == ["one", "secrets", "two"]
        keyring.destroy("one", expected=2)
        assert keyring.names() == ["secrets", "two"]
        assert keyring.gone() == ["one"]

    def test_a_change_on_an_old_version_is_refused(self, keyring: Keyring) -> None:
        keyring.create("one", b"first")
        keyring.replace("one", b"second", expected=1)
        for change in (
            lambda: keyring.replace("one", b"third", expected=1),
            lambda: keyring.replace("one", b"third", expected=3),
            lambda: keyring.destroy("one", expected=1),
            lambda: keyring.create("one", b"third"),
        ):
            with pytest.raises(VersionConflict):
                change()
        assert keyring.read("one") == (2, b"second")

    def test_what_was_destroyed_is_never_made_again(self, keyring: Keyring) -> None:
        keyring.create("one", b"first")
        keyring.publish("one", b"public")
        keyring.destroy("one", expected=1)
        for use in (
            lambda: keyring.read("one"),
            lambda: keyring.header("one"),
            lambda: keyring.public("one"),
            lambda: keyring.create("one", b"again"),
            lambda: keyring.replace("one", b"again", expected=1),
            lambda: keyring.destroy("one", expected=1),
        ):
            with pytest.raises(KeyDestroyed):
                use()
        assert keyring.names() == ["secrets"]

    def test_what_was_never_made_is_not_there(self, keyring: Keyring) -> None:
        for use in (
            lambda: keyring.read("one"),
            lambda: keyring.public("one"),
            lambda: keyring.replace("one", b"", expected=1),
            lambda: keyring.destroy("one", expected=1),
        ):
            with pytest.raises(NoSuchKey):
                use()

    @pytest.mark.parametrize("name", ["", "../root", "a/b", ".lock", "A", "a\0", "ä", "a" * 65, "-a", "a'; --"])
    def test_a_name_is_never_a_path_or_a_statement(self, keyring: Keyring, name: str) -> None:
        for use in (keyring.read, keyring.public, lambda name: keyring.create(name, b"")):
            with pytest.raises(NoSuchKey):
                use(name)

    def test_what_is_public_is_not_changed(self, keyring: Keyring) -> None:
        keyring.create("one", b"private")
        with pytest.raises(NoSuchKey):
            keyring.public("one")
        keyring.publish("one", b"public")
        keyring.publish("one", b"public")
        with pytest.raises(VersionConflict):
            keyring.publish("one", b"another")
        assert keyring.public("one") == b"public"

    def test_what_is_public_is_replaced_by_who_says_what_was_there(self, keyring: Keyring) -> None:
        keyring.create("one", b"private")
        keyring.publish("one", b"first")
        keyring.publish("one", b"second", before=b"first")
        keyring.publish("one", b"second", before=b"first")
        with pytest.raises(VersionConflict):
            keyring.publish("one", b"third", before=b"first")
        assert (keyring.public("one"), keyring.read("one")) == (b"second", (1, b"private"))

    def test_it_is_made_once(self, keyring: Keyring) -> None:
        assert keyring.exists()
        with pytest.raises(VersionConflict):
            keyring.initialise(b"another")
        assert keyring.read("secrets") == (1, b"anchor")

    def test_it_is_made_from_what_another_held(self, unmade: Keyring) -> None:
        assert not unmade.exists()
        unmade.initialise(b"anchor", Contents({"one": b"1", "door": b"2"}, {"door": b"shown"}, ["dead"]))
        assert unmade.names() == ["door", "one", "secrets"]
        assert (unmade.read("one"), unmade.read("door"), unmade.read("secrets")) == (
            (1, b"1"),
            (1, b"2"),
            (1, b"anchor"),
        )
        assert unmade.public("door") == b"shown"
        assert unmade.gone() == ["dead"]
        with pytest.raises(KeyDestroyed):
            unmade.create("dead", b"")
