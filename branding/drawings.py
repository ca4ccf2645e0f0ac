"""A logo in SVG, read with a parser that loads nothing and written anew: only shapes, their paint and their places.

What could run, load or move is refused, so that whoever drew it knows; what is merely of no use (metadata, other
programs' notes) is left out. Styles become attributes: the file needs no style of its own and is served without one.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from html import escape
from xml.parsers import expat

from branding.errors import BadLogo

MOST_BYTES = 40 * 1024
"""Of the cleaned file."""
MOST_ELEMENTS, MOST_DEPTH = 2000, 40
SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SHAPES = _names(
    "svg g defs symbol use path rect circle ellipse line polyline polygon text tspan "
    "linearGradient radialGradient stop clipPath mask"
)
_LEFT_OUT = _names("title desc metadata switch view cursor font font-face namedview style")
_MOVING = _names("animate animateTransform animateMotion animateColor set mpath discard")
_LOADING = _names("image feImage audio video iframe embed object link a")
_PAINT = _names(
    "fill fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-linecap stroke-linejoin stroke-miterlimit "
    "stroke-dasharray stroke-dashoffset opacity color clip-path clip-rule mask stop-color stop-opacity display "
    "visibility font-family font-size font-weight font-style text-anchor dominant-baseline letter-spacing"
)
_PLACE = _names(
    "d points x y x1 y1 x2 y2 cx cy r rx ry fx fy fr dx dy width height viewBox preserveAspectRatio transform offset "
    "gradientUnits gradientTransform spreadMethod clipPathUnits maskUnits maskContentUnits id"
)
_LOCAL = re.compile(r"#[\w.:-]{1,80}")
_PAINTED_BY = re.compile(r"url\(\s*['\"]?(#[\w.:-]{1,80})['\"]?\s*\)")
_PLAIN = re.compile(r"[^<>&\\{}@\x00-\x08\x0e-\x1f]*")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_LENGTH = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)(?:px|pt|mm|cm|in)?\s*")
_SCRIPT = "The logo contains a script and was not accepted."
_ELSEWHERE = "The logo loads something from elsewhere and was not accepted. Everything has to be drawn in the file."


@dataclass(frozen=True)
class Drawing:
    """A cleaned SVG picture, and its width over its height."""

    svg: str
    ratio: float


@dataclass
class _Element:
    name: str
    attributes: dict[str, str]
    children: list[_Element | str] = field(default_factory=list)


def is_svg(data: bytes) -> bool:
    """Whether a file begins as XML does; what it is then is found when it is read."""
    return data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


def cleaned(data: bytes) -> Drawing:
    """The picture written anew. Raises BadLogo."""
    try:
        # Read as UTF-8 and nothing else: another encoding could say to a browser what it does not say here.
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadLogo("The logo is no SVG in UTF-8. Save it anew as plain SVG.") from None
    reader = _Reader()
    reader.read(text)
    root, classes = reader.root, reader.classes()
    if root is None or root.name != "svg":
        raise BadLogo("The logo is no SVG picture.")
    _paint(root, classes)
    _check_references(root)
    ratio = _frame(root)
    written = _written(root)
    if len(written.encode()) > MOST_BYTES:
        raise BadLogo("The logo is too large: an SVG has at most 40 KB. Simplify its paths, or give it as PNG.")
    return Drawing(written, ratio)


class _Reader:
    """Builds the tree of what is allowed; refuses what could run, load or move."""

    def __init__(self) -> None:
        self.root: _Element | None = None
        self._open: list[_Element] = []
        self._skipping = 0
        self._count = 0
        self._sheet: list[str] = []
        self._in_sheet = False

    def read(self, text: str) -> None:
        parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.SkippedEntityHandler = self._entity
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        try:
            parser.Parse(text.encode(), True)
        except expat.ExpatError:
            raise BadLogo("The logo is no SVG picture that can be read.") from None

    def classes(self) -> dict[str, dict[str, str]]:
        """What the file's style sheet says of each class."""
        sheet = re.sub(r"/\*.*?\*/", "", "".join(self._sheet), flags=re.DOTALL)
        if "@" in sheet or "\\" in sheet:
            raise BadLogo(_ELSEWHERE)
        found: dict[str, dict[str, str]] = {}
        for selectors, body in _RULE.findall(sheet):
            for selector in selectors.split(","):
                if not re.fullmatch(r"\.[\w-]{1,80}", selector.strip()):
                    raise BadLogo(
                        "The logo has a style sheet that cannot be kept. Save it anew with presentation attributes."
                    )
                found.setdefault(selector.strip()[1:], {}).update(_declared(body))
        return found

    def _doctype(self, _name: str, _system: str | None, _public: str | None, has_subset: bool) -> None:
        if has_subset:
            self._entity()

    def _entity(self, *_: object) -> None:
        raise BadLogo("The logo declares entities and was not accepted. Save it anew as plain SVG.")

    def _instruction(self, target: str, _data: str) -> None:
        if target.lower() != "xml":
            raise BadLogo(_ELSEWHERE)  # xml-stylesheet

    def _start(self, full: str, attributes: dict[str, str]) -> None:
        space, _, name = full.rpartition(" ")
        local = name.lower()
        if local in ("script", "handler", "listener"):
            raise BadLogo(_SCRIPT)
        for key, value in attributes.items():
            _check_attribute(key.rpartition(" ")[2], value)
        if local == "foreignobject" or space == "http://www.w3.org/1999/xhtml":
            raise BadLogo("The logo contains parts of a web page (foreignObject) and was not accepted.")
        if name in _MOVING:
            raise BadLogo("The logo moves and was not accepted. Give one that stands still.")
        if name in _LOADING:
            raise BadLogo("The logo holds a picture or a link and was not accepted. Draw it all, or give a PNG.")
        self._count += 1
        if self._count > MOST_ELEMENTS or len(self._open) + self._skipping > MOST_DEPTH:
            raise BadLogo(f"The logo has too many parts: at most {MOST_ELEMENTS:,}, {MOST_DEPTH} inside each other.")
        if self._skipping or space != SVG or name in _LEFT_OUT:
            self._in_sheet = space == SVG and name == "style" and not self._skipping
            self._skipping += 1
            return
        if name not in _SHAPES:
            raise BadLogo(f"The logo uses “{name[:30]}”, which is not kept. Save it anew as plain shapes, or as PNG.")
        element = _Element(name, attributes)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _end(self, _full: str) -> None:
        if self._skipping:
            self._skipping -= 1
            self._in_sheet = False
        else:
            self._open.pop()

    def _text(self, text: str) -> None:
        if self._in_sheet:
            self._sheet.append(text)
        elif not self._skipping and self._open and self._open[-1].name in ("text", "tspan"):
            self._open[-1].children.append(text)


def _check_attribute(name: str, value: str) -> None:
    """Refuse what would run or load in any element, also one that is left out."""
    folded = re.sub(r"[\s\x00-\x1f]+", "", value).lower()
    if name.lower().startswith("on") or re.search(r"(?:java|vb|live)script:|data:text", folded):
        raise BadLogo(_SCRIPT)
    if name.lower() in ("href", "src") and not _LOCAL.fullmatch(value.strip()):
        raise BadLogo(_ELSEWHERE)
    if "url(" in re.sub(r"\s+", "", _PAINTED_BY.sub("", value)).lower() or "@import" in folded:
        raise BadLogo(_ELSEWHERE)


def _declared(body: str) -> dict[str, str]:
    """The declarations of a style that say how something is painted."""
    found = {}
    for declaration in body.split(";"):
        name, _, value = declaration.partition(":")
        _check_attribute(name.strip(), value)
        if name.strip() in _PAINT:
            found[name.strip()] = value.replace("!important", "").strip()
    return found


def _paint(element: _Element, classes: dict[str, dict[str, str]]) -> None:
    """Each element's attributes as they are kept: a style counts more than a class, a class more than an attribute."""
    given = element.attributes
    kept: dict[str, str] = {}
    for key, value in given.items():
        if key in _PLACE or key in _PAINT:
            kept[key] = value
        elif key in ("href", f"{XLINK} href") and element.name in ("use", "linearGradient", "radialGradient"):
            kept["href"] = value.strip()
    for name in given.get("class", "").split():
        kept |= classes.get(name, {})
    if "\\" in given.get("style", "") or "@" in given.get("style", ""):
        raise BadLogo(_ELSEWHERE)
    kept |= _declared(given.get("style", ""))
    element.attributes = {key: value for key, value in kept.items() if _is_plain(key, value)}
    for child in element.children:
        if isinstance(child, _Element):
            _paint(child, classes)


def _is_plain(key: str, value: str) -> bool:
    if key in ("id", "href"):
        return bool(_LOCAL.fullmatch(value if key == "href" else f"#{value}"))
    if "url(" in value.lower():
        return bool(key in ("fill", "stroke", "clip-path", "mask") and _PAINTED_BY.fullmatch(value.strip()))
    return bool(_PLAIN.fullmatch(value))


def _check_references(root: _Element) -> None:
    """Count what is drawn, parts that are drawn by parts included: a few lines could ask for a million shapes."""
    named: dict[str, _Element] = {}
    for element in _walk(root):
        if "id" in element.attributes:
            named.setdefault(element.attributes["id"], element)
    costs: dict[int, int] = {}

    def cost(element: _Element) -> int:
        if id(element) not in costs:
            costs[id(element)] = MOST_ELEMENTS + 1  # what is found here while it is counted draws itself
            wanted = [named.get(reference) for reference in _drawn_by(element)]
            inner = [child for child in element.children if isinstance(child, _Element)]
            costs[id(element)] = 1 + sum(cost(one) for one in (*inner, *wanted) if one is not None)
        return costs[id(element)]

    try:
        drawn = cost(root)
    except RecursionError:  # parts that draw each other in a row, not around each other, are deep in no other way
        drawn = MOST_ELEMENTS + 1
    if drawn > MOST_ELEMENTS:
        raise BadLogo(f"The logo draws too much: its parts are repeated to more than {MOST_ELEMENTS:,} shapes.")


def _drawn_by(element: _Element) -> list[str]:
    """Ids of the parts that are drawn where this element is."""
    found = [element.attributes.get("href", "")] if element.name == "use" else []
    for key in ("clip-path", "mask"):
        found += _PAINTED_BY.findall(element.attributes.get(key, ""))
    return [reference[1:] for reference in found]


def _walk(element: _Element) -> list[_Element]:
    found = [element]
    for child in element.children:
        if isinstance(child, _Element):
            found += _walk(child)
    return found


def _frame(root: _Element) -> float:
    """Gives the picture a viewBox in place of a size, and returns its width over its height."""
    attributes = root.attributes
    numbers = re.split(r"[\s,]+", attributes.get("viewBox", "").strip())
    sizes = [_LENGTH.fullmatch(attributes.get(key, "")) for key in ("width", "height")]
    if len(numbers) != 4:
        if None in sizes:
            raise BadLogo("The logo says neither how large it is nor what it shows: it needs a viewBox.")
        numbers = ["0", "0", *(size[1] for size in sizes if size)]
    try:
        left, top, width, height = map(float, numbers)
    except ValueError:
        raise BadLogo("The logo’s viewBox is none.") from None
    if not all(map(math.isfinite, (left, top))) or not (0.01 <= width <= 1e6 and 0.01 <= height <= 1e6):
        raise BadLogo("The logo’s viewBox is none.")
    if not 1 / 20 <= width / height <= 20:
        raise BadLogo("The logo is too long and thin: one side may be 20 times as long as the other.")
    root.attributes = {key: value for key, value in attributes.items() if key not in ("width", "height", "x", "y")}
    root.attributes["viewBox"] = f"{left:g} {top:g} {width:g} {height:g}"
    return width / height


def _written(element: _Element, *, top: bool = True) -> str:
    pairs = "".join(f' {key}="{escape(value)}"' for key, value in element.attributes.items())
    space = f' xmlns="{SVG}"' if top else ""
    inner = "".join(
        escape(child, quote=False) if isinstance(child, str) else _written(child, top=False)
        for child in element.children
    )
    return f"<{element.name}{space}{pairs}>{inner}</{element.name}>" if inner else f"<{element.name}{space}{pairs}/>"
