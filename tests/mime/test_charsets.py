"""Text of every character set that mail is written in comes out as it was meant, whatever its label says."""

import pytest

from portal.mime import charsets
from portal.mime.charsets import decode
from portal.mime.fields import decode_words, parameters
from portal.mime.reading import read

SAMPLES = [
    ("utf-8", "47 72 c3 bc c3 9f", "Grüß"),
    ("iso-8859-1", "47 72 fc df 20 80 93 94", "Grüß €“”"),  # WHATWG: Latin 1 is Windows-1252
    ("iso-8859-15", "a4 a8 bd", "€šœ"),
    ("iso-8859-2", "b1 e6 ea b3 f1", "ąćęłń"),
    ("windows-1250", "b9 e6 9c 9f", "ąćśź"),
    ("iso-8859-5", "bf e0 d8 d2 d5 e2", "Привет"),
    ("windows-1251", "cf f0 e8 e2 e5 f2", "Привет"),
    ("koi8-r", "f0 d2 c9 d7 c5 d4", "Привет"),
    ("koi8-u", "f0 d2 c9 d7 a6 d4", "Привіт"),
    ("ibm866", "8f e0 a8 a2 a5 e2", "Привет"),
    ("x-mac-cyrillic", "8f f0 e8 e2 e5 f2", "Привет"),
    ("iso-8859-6", "d3 e4 c7 e5", "سلام"),
    ("windows-1256", "d3 e1 c7 e3", "سلام"),
    ("iso-8859-7", "c3 e5 e9 e1", "Γεια"),
    ("windows-1253", "c3 e5 e9 e1", "Γεια"),
    ("iso-8859-8-i", "f9 ec e5 ed", "שלום"),
    ("windows-1255", "f9 ec e5 ed", "שלום"),
    ("iso-8859-9", "fe f0 fd", "şğı"),
    ("windows-1257", "e8 ef f0", "čļš"),
    ("windows-1258", "41 cc d0", "A\u0300Đ"),
    ("iso-8859-10", "bd", "―"),
    ("iso-8859-16", "aa ba", "Șș"),
    ("tis-620", "ca c7 d1 ca b4 d5", "สวัสดี"),
    ("macintosh", "8a 8e d0", "äé–"),
    ("gb2312", "c4 e3 ba c3", "你好"),
    ("gbk", "94 4b", "擪"),
    ("gb18030", "81 30 84 36 c4 e3", "¥你"),
    ("hz-gb-2312", "7e 7b 44 63 3a 43 7e 7d", "你好"),
    ("big5", "a7 41 a6 6e", "你好"),
    ("euc-kr", "be c8 b3 e7", "안녕"),
    ("ks_c_5601-1987", "8c 63 b9 e6", "똠방"),
    ("iso-2022-kr", "1b 24 29 43 0e 3e 48 33 67 0f", "안녕"),
    ("shift_jis", "93 fa 96 7b 87 40", "日本①"),
    ("euc-jp", "c6 fc cb dc", "日本"),
    ("euc-jp", "ad a1 c6 fc 8e b1", "①日ｱ"),  # a vendor's character, as mail programs of Windows write it
    ("iso-2022-jp", "1b 24 42 46 7c 4b 5c 1b 28 42", "日本"),
    ("iso-2022-jp", "1b 24 42 2d 21 46 7c 1b 28 42 61", "①日a"),
    ("iso-2022-jp", "1b 24 42 46 7c 0d 0a 1b 28 49 31 1b 28 42 2e", "日\r\nｱ."),
    ("utf-16", "fe ff 00 48 20 ac", "H€"),
    ("utf-16", "48 00 ac 20", "H€"),  # without a byte order mark, as Windows means it
    ("utf-16be", "00 48 20 ac", "H€"),
]
WRONG = [
    ("", "47 72 c3 bc", "Grü"),  # no label: UTF-8
    ("", "47 72 fc", "Grü"),  # no label and no UTF-8: Windows-1252
    ("us-ascii", "47 72 c3 bc", "Grü"),
    ("us-ascii", "93 68 69 94", "“hi”"),
    ("iso-8859-1", "d0 9f d1 80", "Пр"),
    ("utf-8", "47 72 fc df 65", "Grüße"),
    ("unknown-8bit", "47 72 fc", "Grü"),
    ("x-nobody-knows", "47 72 c3 bc", "Grü"),
    ("iso-2022-jp", "e6 97 a5", "日"),
    ("gb2312", "e2 82 ac", "€"),
    ("rot13", "68 69", "hi"),
    ("unicode-escape", "5c 78 34 31", "\\x41"),
]
# Every name of the WHATWG Encoding Standard (§4.2) for what mail still holds, one or two of each encoding's rarer ones.
NAMES = [
    "unicode-1-1-utf-8",
    "x-unicode20utf8",
    "csibm866",
    "csisolatin2",
    "iso88592",
    "l3",
    "iso88594",
    "csisolatincyrillic",
    "ecma-114",
    "csiso88596e",
    "sun_eu_greek",
    "elot_928",
    "csiso88598e",
    "visual",
    "logical",
    "csisolatin6",
    "iso885913",
    "iso885914",
    "csisolatin9",
    "koi",
    "cskoi8r",
    "koi8-ru",
    "csmacintosh",
    "x-mac-roman",
    "dos-874",
    "iso885911",
    "x-cp1250",
    "x-cp1251",
    "ansi_x3.4-1968",
    "cp819",
    "iso-ir-100",
    "l1",
    "x-cp1253",
    "iso88599",
    "x-cp1254",
    "x-cp1255",
    "x-cp1256",
    "x-cp1257",
    "x-cp1258",
    "x-mac-ukrainian",
    "chinese",
    "csgb2312",
    "gb_2312-80",
    "x-gbk",
    "big5-hkscs",
    "cn-big5",
    "x-x-big5",
    "cseucpkdfmtjapanese",
    "x-euc-jp",
    "csiso2022jp",
    "csshiftjis",
    "ms932",
    "ms_kanji",
    "windows-31j",
    "x-sjis",
    "cseuckr",
    "csksc56011987",
    "iso-ir-149",
    "korean",
    "ks_c_5601-1989",
    "windows-949",
    "csiso2022kr",
    "unicodefffe",
    "csunicode",
    "iso-10646-ucs-2",
    "ucs-2",
    "unicode",
    "unicodefeff",
    "utf-16le",
]


@pytest.mark.parametrize(("charset", "bytes_", "text"), SAMPLES)
def test_text_comes_out_as_it_was_meant(charset: str, bytes_: str, text: str) -> None:
    assert decode(bytes.fromhex(bytes_), charset) == text


@pytest.mark.parametrize(("charset", "bytes_", "text"), WRONG)
def test_a_wrong_or_missing_label_does_not_spoil_it(charset: str, bytes_: str, text: str) -> None:
    assert decode(bytes.fromhex(bytes_), charset) == text


@pytest.mark.parametrize("name", NAMES)
def test_names_of_the_web_are_known(name: str) -> None:
    assert charsets._codec(name) is not None
    assert decode("A\0".encode("utf-16-le") if "utf-16" in str(charsets._codec(name)) else b"A", name)[0] in "A\u4100"


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("=?koi8-r?B?8NLJ18XU?=", "Привет"),
        ("=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=", "日本"),
        ("=?gb18030?Q?=C4=E3=BA=C3?=", "你好"),
        ("=?windows-1256?B?0+HH4w==?=", "سلام"),
        ("=?utf-8?B?5pel?= =?utf-8?B?5pys?=", "日本"),
        ("=?utf-8?Q?=E6=97?= =?utf-8?Q?=A5?=", "日"),  # one character in two words
        ("=?iso-8859-1*de?Q?Gr=FC=DFe?=", "Grüße"),  # RFC 2231 §5
        ("=?nonsense?Q?a?=", "a"),
    ],
)
def test_encoded_words_of_any_charset_are_read(word: str, text: str) -> None:
    assert decode_words(word) == text
    raw = f"Subject: {word}\r\nFrom: {word} <a@b.example>\r\n\r\nx".encode()
    letter = read(raw)
    assert letter.subject == text
    assert letter.sender is not None
    assert letter.sender.name == text


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ("filename*=koi8-r''%F0%D2%C9%D7%C5%D4.txt", "Привет.txt"),
        ("filename*0*=utf-8''%E6%97; filename*1*=%A5.txt", "日.txt"),
        ("filename*=iso-2022-jp'ja'%1B%24B%46%7C%1B%28B.txt", "日.txt"),
        ('filename="=?gb2312?B?xOO6ww==?=.txt"', "你好.txt"),
        ('filename="Gr\xfc\xdfe.txt"', "Grüße.txt"),
    ],
)
def test_names_of_files_of_any_charset_are_read(settings: str, name: str) -> None:
    head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\nContent-Type: text/plain\r\n"
    raw = head + b"Content-Disposition: attachment; " + settings.encode("latin-1") + b"\r\n\r\ny\r\n--b--\r\n"
    assert [part.name for part in read(raw).parts] == [name]
    # The same by the lenient way, which mail takes that the fast parser refuses.
    assert parameters("attachment; " + settings)[1]["filename"] in (name, "=?gb2312?B?xOO6ww==?=.txt")


def test_direction_marks_of_a_subject_end_with_it() -> None:
    raw = "Subject: invoice \u202etxt.exe\r\n\r\nx".encode()
    assert read(raw).subject == "invoice txt.exe"
    raw = "Subject: a \u2067b \u202bc\r\n\r\nx".encode()
    assert read(raw).subject == "a \u2067b \u202bc\u202c\u2069"
