"""Every page and mail in languages that nobody speaks: longer than any, or from right to left. What stays in plain
English was never marked for translation; what is cut off or scrolls sideways at 320 px will be in some real language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace

import pytest
from playwright.sync_api import Browser, Page, Route

from branding.languages import ALL
from tests.screens import samples
from tests.screens.conftest import files, rendered
from tests.screens.samples import Sample
from tests.screens.test_screens import REFLOW, STICKING_OUT, TOO_WIDE
from tests.words import false_words

pytestmark = pytest.mark.browser
ORIGIN = "http://letterlock.test"
SEEN = """() => {
  const skipped = "script, style, noscript, time, svg, iframe, code, .languages, .host, .qr__key, .codes, .print-only";
  const texts = [document.title];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) if (!walker.currentNode.parentElement.closest(skipped)) texts.push(walker.currentNode.data);
  for (const element of document.querySelectorAll("[aria-label], [alt], [title], [placeholder], [data-words]"))
    for (const name of ["aria-label", "alt", "title", "placeholder", "data-words"])
      if (!element.closest(skipped)) texts.push(element.getAttribute(name) ?? "");
  return texts;
}"""
OFFICE = ("console/", "demo/", "mail/alarm", "mail/invitation", "mail/monthly")
"""English for now (scripts/sources.py)."""
DATES = {"November", "December", "Oktober", "Dezember", "CET", "UTC"}


def _words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z]{3,}", text))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _strings(list(value.values()))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _strings([getattr(value, field.name) for field in fields(value)])
    elif hasattr(value, "__dict__"):
        yield from _strings(vars(value))


def _given(sample: Sample) -> set[str]:
    """Words that a page only repeats: the sender's, the reader's, the organisation's, and sentences of views."""
    own = [language.name for language in ALL]
    texts = _strings([own, sample.context, sample.signed_in_as, sample.brand])
    return DATES.union(*map(_words, texts))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, bytes]]:
    """Type and bytes of every sample in both false languages, and what they load."""
    found = {path: (kind, body) for path, (kind, body, _) in files().items()}
    with false_words(tmp_path_factory.mktemp("false")):
        for sample in RECIPIENTS:
            for language in ("de", "ar"):
                said = rendered(replace(sample, language=language))
                found[f"/{language}/{sample.name}"] = ("text/html; charset=utf-8", said.encode())
    return found


@pytest.fixture(scope="module")
def narrow(chromium: Browser, pages: dict[str, tuple[str, bytes]]) -> Iterator[Page]:
    """One page for all, 320 px wide."""

    def answer(route: Route) -> None:
        kind, body = pages.get(route.request.url.removeprefix(ORIGIN), ("text/plain", b""))
        route.fulfill(status=200, content_type=kind, body=body)

    context = chromium.new_context(viewport={"width": REFLOW, "height": 844}, reduced_motion="reduce")
    context.route("**/*", answer)
    yield context.new_page()
    context.close()


RECIPIENTS = [
    sample
    for sample in (*samples.PAGES, *samples.MAILS)
    if not sample.source and not sample.template.startswith(OFFICE)
]


@pytest.mark.parametrize("sample", RECIPIENTS, ids=str)
def test_in_a_long_language_everything_is_translated_and_fits(sample: Sample, narrow: Page) -> None:
    narrow.goto(f"{ORIGIN}/de/{sample.name}")
    plain = {word for text in narrow.evaluate(SEEN) for word in _words(text)}
    assert plain - _given(sample) == set()
    assert narrow.evaluate(TOO_WIDE) <= 0, narrow.evaluate(STICKING_OUT)


def test_choosing_a_language_keeps_the_code_of_the_link(narrow: Page) -> None:
    code = "0123456789ABCDEFGHJKMNPQRS"
    narrow.goto(f"{ORIGIN}/R1#{code}")
    assert narrow.url == f"{ORIGIN}/R1"
    # What is behind the # goes to no server, and the browser puts it behind the address that the answer leads to.
    assert narrow.evaluate("() => document.querySelector('form.languages').action") == f"{ORIGIN}/language/#{code}"


@pytest.mark.parametrize("sample", RECIPIENTS[::4], ids=str)
def test_from_right_to_left_it_fits(sample: Sample, narrow: Page) -> None:
    narrow.goto(f"{ORIGIN}/ar/{sample.name}")
    assert narrow.evaluate("() => document.documentElement.dir") == "rtl"
    assert narrow.evaluate(TOO_WIDE) <= 0, narrow.evaluate(STICKING_OUT)
