"""Agreed phrases as text and hash: the same on the telephone is the same here, and a guess is dear."""

from __future__ import annotations

import threading
import time

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from portal.vault import agreed
from portal.vault.agreed import agree, normalised
from portal.vault.errors import PhraseRefused


@pytest.mark.parametrize(
    "typed",
    [
        "the blue canoe",
        " The  BLUE\tcanoe ",
        "Ｔｈｅ　ｂｌｕｅ　ｃａｎｏｅ",
        "the\u00a0blue canoe",
        "the blue canoe\r\n",
    ],
)
def test_case_width_and_spaces_make_no_difference(typed: str) -> None:
    assert normalised(typed) == "the blue canoe"


@pytest.mark.parametrize(
    ("one", "other"), [("Straße 12", "STRASSE 12"), ("cafe\u0301 noir", "Caf\u00e9 noir"), ("ﬁfteen", "FIFTEEN")]
)
def test_letters_that_are_written_in_two_ways_are_one(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize("other", ["thebluecanoe", "the blue canoes", "the blue cano", ""])
def test_other_words_are_other_words(other: str) -> None:
    assert normalised(other) != "the blue canoe"


@pytest.mark.parametrize("phrase", ["", "      ", "12345", "a    b c", "x" * 201])
def test_what_is_too_short_or_too_long_is_refused_without_being_repeated(phrase: str) -> None:
    with pytest.raises(PhraseRefused) as refused:
        agree(phrase)
    assert phrase.strip() == "" or phrase not in str(refused.value)
    with pytest.raises(PhraseRefused):
        agree("the blue canoe", "x" * 141)


def test_it_is_argon2id_with_the_parameters_that_are_said_and_takes_its_time() -> None:
    begun = time.process_time()
    kept = agree("The blue canoe", "what  we rowed in")
    took = time.process_time() - begun
    assert (agreed.MEMORY_KIB, agreed.PASSES) == (65536, 3)
    kdf = Argon2id(salt=kept.salt, length=32, iterations=3, lanes=1, memory_cost=65536)
    assert kdf.derive(b"the blue canoe") == kept.hash
    begun = time.process_time()
    Argon2id(salt=kept.salt, length=32, iterations=3, lanes=1, memory_cost=64).derive(b"the blue canoe")
    assert took > 10 * (time.process_time() - begun), "a thousand times the memory"
    assert kept.hint == "what we rowed in"
    assert kept.is_it("the BLUE canoe")
    assert "blue" not in repr(kept) and kept.hash.hex()[:8] not in repr(kept)


def test_the_same_phrase_has_another_hash_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreed, "MEMORY_KIB", 64)
    one, other = agree("the blue canoe"), agree("the blue canoe")
    assert one.hash != other.hash
    assert other.is_it("the blue canoe") and not other.is_it("the green canoe")


def test_a_process_hashes_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight at once would otherwise take eight times the memory."""
    running, most = [], []

    def watched(**parameters: object) -> object:
        real = Argon2id(**parameters)  # type: ignore[arg-type]

        class Kdf:
            def derive(self, material: bytes) -> bytes:
                running.append(1)
                most.append(len(running))
                time.sleep(0.002)
                made: bytes = real.derive(material)
                running.pop()
                return made

        return Kdf()

    monkeypatch.setattr(agreed, "MEMORY_KIB", 64)
    kept = agree("the blue canoe")
    monkeypatch.setattr(agreed, "Argon2id", watched)
    threads = [threading.Thread(target=kept.is_it, args=("the green canoe",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8
