"""A logo: a stranger's file, of which only shapes and pixels of our making are kept, shown by its own brand alone."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache

import pytest
from django.test import Client
from PIL import Image, ImageDraw

from branding import drawings, logos, pixels
from branding.errors import BadLogo
from branding.models import Brand

ANCHOR = '<path d="M0 0h10v10z" fill="#123456"/>'
SPACE = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def svg(inner: str = ANCHOR, attributes: str = 'viewBox="0 0 40 20"', before: str = "") -> bytes:
    return f"{before}<svg {SPACE} {attributes}>{inner}</svg>".encode()


def picture(kind: str = "PNG", size: tuple[int, int] = (680, 280), mode: str = "RGBA", **more: object) -> bytes:
    picture = Image.new(mode, size, (255, 255, 255, 0) if mode == "RGBA" else "white")
    ImageDraw.Draw(picture).ellipse((2, 2, size[0] - 3, size[1] - 3), fill="#14594f")
    out = io.BytesIO()
    picture.save(out, kind, **more)  # type: ignore[arg-type]
    return out.getvalue()


@cache
def made(size: tuple[int, int] = (680, 280)) -> logos.Picture:
    """Such a picture as it is kept; made once, for each takes a process of its own."""
    return logos.made(picture(size=size))


def _opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data), formats=("PNG",))
    picture.load()
    return picture


def _refused(data: bytes) -> str:
    with pytest.raises(BadLogo) as caught:
        logos.made(data)
    return str(caught.value)


# ------------------------------------------------------------------------------------------------ pictures


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("PNG", "RGBA"), ("JPEG", "RGB"), ("WEBP", "RGBA"), ("PNG", "P"), ("GIF", "P"), ("BMP", "RGB"), ("TIFF", "RGBA")],
)
def test_a_picture_becomes_a_png_for_pages_and_a_small_one_for_mails(kind: str, mode: str) -> None:
    made = logos.made(picture(kind, mode=mode))
    page, mail = _opened(made.png), _opened(made.mail_png)
    assert page.width <= 340 and page.height <= 140 and len(made.png) <= 40 * 1024
    assert made.width == 170 and made.height in (69, 70)
    assert len(made.mail_png) <= 8 * 1024
    assert made.mail_width <= 140 and made.mail_height <= 44
    assert mail.convert("RGB").getpixel((0, 0)) == (255, 255, 255), "a mail in the dark shows no dark logo on dark"


def test_a_small_picture_stays_as_small_as_it_is() -> None:
    made = logos.made(picture(size=(64, 32)))
    assert (made.width, made.height) == (60, 28), "its empty rim is cut off"
    assert _opened(made.png).size == (60, 28)


def test_a_picture_of_many_colours_still_fits_into_a_mail() -> None:
    noise = Image.effect_noise((900, 400), 90).convert("RGB")
    out = io.BytesIO()
    noise.save(out, "PNG")
    made = logos.made(out.getvalue())
    assert len(made.mail_png) <= 8 * 1024 and len(made.png) <= 40 * 1024


def test_nothing_but_pixels_comes_along() -> None:
    exif = Image.Exif()
    exif[0x010E] = "Meeting room 4, plan of the vault"
    jpeg = picture("JPEG", mode="RGB", exif=exif, comment=b"secret remark")
    html = b"<script>alert(1)</script>"
    for upload in (jpeg, picture() + html, jpeg + b"PK\x03\x04" + html):
        made = logos.made(upload)
        for data in (made.png, made.mail_png):
            found = [word for word in (b"script", b"vault", b"secret", b"eXIf", b"tEXt", b"PK\x03") if word in data]
            assert found == []


def _bomb(width: int, height: int) -> bytes:
    """A PNG that claims its size, with hardly any data behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(4001, 4000), (50_000, 50_000), (2**31 - 1, 2**31 - 1)])
def test_a_picture_of_too_many_pixels_is_refused_before_one_is_decoded(size: tuple[int, int]) -> None:
    assert "too many pixels" in _refused(_bomb(*size))


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\x00", b"GIF89a" + bytes(40), b"%PDF-1.7", b"BM" + bytes(60), b"\x89PNG\r\n\x1a\n", picture()[:200],
        _bomb(100, 100), b"\xff\xd8\xff\xe0" + bytes(20), b"RIFF\x00\x00\x00\x00WEBP", b"II*\x00" + bytes(30),
    ],
)  # fmt: skip
def test_what_is_no_picture_of_the_four_kinds_is_refused(data: bytes) -> None:
    assert "no SVG, PNG, JPEG, WebP, GIF, BMP or TIFF" in _refused(data)


def test_what_cannot_be_seen_on_white_is_refused() -> None:
    for colour in ("white", (0, 0, 0, 0)):
        out = io.BytesIO()
        Image.new("RGBA", (100, 40), colour).save(out, "PNG")
        assert "cannot be seen on white" in _refused(out.getvalue())


def test_a_file_of_more_than_a_megabyte_is_refused_before_it_is_read() -> None:
    assert "at most 1 MB" in _refused(bytes(logos.MOST_BYTES + 1))


# ------------------------------------------------------------------------------------------------ drawings


def test_a_drawing_is_written_anew_with_its_shapes_and_their_paint() -> None:
    made = drawings.cleaned(
        svg(
            '<title>Secret plan</title><metadata><x xmlns="urn:x">y</x></metadata><style>.a{fill:#abc;}</style>'
            '<defs><linearGradient id="g"><stop offset="0" style="stop-color:#fff"/></linearGradient></defs>'
            '<g class="a" data-x="1"><rect width="4" height="4" fill="url(#g)"/><use xlink:href="#g"/></g>'
            "<text x='1'>A &amp; B</text>",
            'width="80px" height="40px" viewBox="0 0 40 20" version="1.1"',
            '<?xml version="1.0" encoding="UTF-8"?><!-- a --><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x.dtd">',
        )
    )
    assert made.ratio == 2.0
    assert made.svg == (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><defs><linearGradient id="g">'
        '<stop offset="0" stop-color="#fff"/></linearGradient></defs><g fill="#abc">'
        '<rect width="4" height="4" fill="url(#g)"/><use href="#g"/></g><text x="1">A &amp; B</text></svg>'
    )
    assert drawings.cleaned(made.svg.encode()) == made


def test_a_drawing_alone_leaves_mails_their_mark_and_a_picture_beside_it_serves_them() -> None:
    alone = logos.made(svg())
    assert (alone.width, alone.height) == (140, 70)
    assert not alone.png and not alone.mail_png
    both = logos.made(svg(), picture())
    assert both.svg == alone.svg and both.mail_png
    assert both.digest != alone.digest
    with pytest.raises(BadLogo, match="give it alone"):
        logos.made(picture(), picture())


@pytest.mark.parametrize(
    "inner",
    [
        "<script>alert(1)</script>",
        '<script href="#x"/>',
        '<SCRIPT xmlns="http://www.w3.org/1999/xhtml">x</SCRIPT>',
        '<metadata><script xmlns="http://www.w3.org/1999/xhtml">x</script></metadata>',
        '<path d="M0 0" onload="alert(1)"/>',
        '<path d="M0 0" ONCLICK="alert(1)"/>',
        '<use href="java&#9;script:alert(1)"/>',
        '<use xlink:href=" JAVASCRIPT:alert(1)"/>',
        '<use href="data:text/html,x"/>',
        '<handler xmlns="http://www.w3.org/2001/xml-events">x</handler>',
    ],
)
def test_a_drawing_with_a_script_is_refused_in_these_words(inner: str) -> None:
    assert _refused(svg(inner)) == "The logo contains a script and was not accepted."


def test_a_script_in_the_root_is_none_the_better() -> None:
    assert _refused(svg(attributes='viewBox="0 0 4 4" onload="x()"')) == (
        "The logo contains a script and was not accepted."
    )


@pytest.mark.parametrize(
    "inner",
    [
        '<use href="http://evil.example/x.svg#a"/>',
        '<use xlink:href="//evil.example/x.svg#a"/>',
        '<linearGradient href="other.svg#a"/>',
        '<rect fill="url(http://evil.example/#a)"/>',
        '<rect fill="url(#a) url(http://evil.example)"/>',
        '<rect style="fill:url( &quot;http://evil.example&quot; )"/>',
        "<style>@import 'http://evil.example/x.css';</style>",
        "<style>.a{fill:url(http://evil.example)}</style>",
        '<rect style="fill:u\\72l(http://evil.example)"/>',
        '<g xmlns:x="urn:x" x:src="http://evil.example"/>',
    ],
)
def test_a_drawing_that_loads_something_is_refused(inner: str) -> None:
    assert "loads something from elsewhere" in _refused(svg(inner))


@pytest.mark.parametrize(
    ("inner", "why"),
    [
        ("<foreignObject><p xmlns='http://www.w3.org/1999/xhtml'>x</p></foreignObject>", "foreignObject"),
        ("<animate attributeName='href' to='#x'/>", "moves"),
        ("<set attributeName='fill' to='red'/>", "moves"),
        ("<image href='#x'/>", "picture or a link"),
        ("<a href='#x'><path/></a>", "picture or a link"),
        ("<filter id='f'/>", "“filter”"),
        ("<pattern id='f'/>", "“pattern”"),
        ("<style>path{fill:red}</style>", "presentation attributes"),
        ("<g>" * 50 + "</g>" * 50, "inside each other"),
        ("<path/>" * 2100, "too many parts"),
        (f'<path d="{"M0 0" * 12000}"/>', "at most 40 KB"),
        ("<path", "can be read"),
        ("&lol;", "can be read"),
    ],
)
def test_what_else_a_drawing_may_not_hold_is_named(inner: str, why: str) -> None:
    assert why in _refused(svg(inner))


@pytest.mark.parametrize(
    "subset",
    [
        '<!ENTITY a SYSTEM "file:///etc/passwd">',
        '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">',
        '<!ENTITY % p SYSTEM "http://evil.example/x.dtd"> %p;',
        "<!ATTLIST svg onload CDATA 'alert(1)'>",
    ],
)
def test_a_drawing_with_declarations_of_its_own_is_refused(subset: str) -> None:
    assert "declares entities" in _refused(svg("<text>&a;</text>", before=f"<!DOCTYPE svg [{subset}]>"))


def test_an_entity_of_a_foreign_declaration_is_not_skipped_over() -> None:
    assert "entities" in _refused(svg("<text>&a;</text>", before='<!DOCTYPE svg SYSTEM "http://evil.example/x.dtd">'))


def test_parts_that_repeat_each_other_without_end_are_refused() -> None:
    nested = '<g id="a0"><path/></g>' + "".join(
        f'<g id="a{n}">{f"<use href=&quot;#a{n - 1}&quot;/>".replace("&quot;", chr(34)) * 10}</g>' for n in range(1, 8)
    )
    assert "draws too much" in _refused(svg(nested))
    assert "draws too much" in _refused(svg('<g id="a"><use href="#a"/></g>'))
    chain = "".join(f'<g id="a{n}"><use href="#a{n + 1}"/></g>' for n in range(900))
    assert "draws too much" in _refused(svg(chain))
    assert "draws too much" in _refused(svg('<mask id="m"><rect mask="url(#m)"/></mask><rect mask="url(#m)"/>'))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-7", "latin-1"])
def test_a_drawing_in_another_encoding_hides_nothing(encoding: str) -> None:
    with pytest.raises(BadLogo):
        logos.made(f"<svg {SPACE} viewBox='0 0 4 4'><text>ü</text><script/></svg>".encode(encoding))


@pytest.mark.parametrize(
    "attributes", ["", 'viewBox="0 0 0 0"', 'viewBox="0 0 nan 1"', 'viewBox="0 0 1 1000"', "x='1'"]
)
def test_a_drawing_needs_a_size_that_can_be(attributes: str) -> None:
    assert "The logo" in _refused(svg(attributes=attributes))


# ------------------------------------------------------------------------------------------------ shown


@pytest.fixture
def brands(db: None) -> tuple[Brand, Brand]:
    Brand.objects.all().delete()
    alder = Brand.objects.create(slug="alder", name="Alder", host="localhost", is_default=True)
    harbour = Brand.objects.create(slug="harbour", name="Harbour", host="harbour.localhost")
    return alder, harbour


def _shown(brand: Brand, kept: logos.Picture) -> str:
    """The logo's address."""
    brand.logo = logos.keep(brand, kept).digest
    brand.save()
    shown = logos.shown(brand)
    assert shown
    return shown.url


def test_a_logo_is_served_by_its_brands_host_alone(brands: tuple[Brand, Brand]) -> None:
    alder, harbour = brands
    url = _shown(alder, made())
    answer = Client(headers={"host": "localhost"}).get(url)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert not answer.cookies
    elsewhere = Client(headers={"host": "harbour.localhost"})
    assert elsewhere.get(url).status_code == 404
    assert elsewhere.get(url.replace("/alder/", "/harbour/")).status_code == 404
    _shown(harbour, made())
    assert elsewhere.get(url.replace("/alder/", "/harbour/")).status_code == 200, "the same picture, its own now"
    assert elsewhere.get(url).status_code == 404


def test_a_drawing_is_served_so_that_it_could_run_nothing(brands: tuple[Brand, Brand]) -> None:
    url = _shown(brands[0], logos.made(svg()))
    answer = Client(headers={"host": "localhost"}).get(url)
    assert answer["Content-Type"].startswith("image/svg+xml")
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "sandbox" in policy
    assert "unsafe-inline" not in policy and "script-src" not in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert Client(headers={"host": "localhost"}).get(url.replace(".svg", ".png")).status_code == 404


def test_another_logo_has_another_address_and_older_pages_keep_theirs(brands: tuple[Brand, Brand]) -> None:
    old = _shown(brands[0], made())
    new = _shown(brands[0], made((100, 100)))
    assert old != new
    for url in (old, new):
        assert Client(headers={"host": "localhost"}).get(url).status_code == 200
    assert Client(headers={"host": "localhost"}).get(f"/brand/alder/{'0' * 64}.png").status_code == 404


def test_the_same_logo_twice_is_kept_once_and_there_is_an_end_to_them(brands: tuple[Brand, Brand]) -> None:
    made = logos.made(svg())
    assert logos.keep(brands[0], made).pk == logos.keep(brands[0], made).pk
    for number in range(logos.MOST_KEPT - 1):
        logos.keep(brands[0], logos.Picture(svg=f"<svg>{number}</svg>", width=1, height=1))
    with pytest.raises(BadLogo, match="already"):
        logos.keep(brands[0], logos.Picture(svg="<svg/>", width=1, height=1))


def test_the_child_that_decodes_knows_the_same_limits() -> None:
    assert pixels.PAGE_BYTES == drawings.MOST_BYTES
