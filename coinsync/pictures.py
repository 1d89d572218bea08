"""Pictures of the shop's goods: what staff put into a folder becomes small copies for the web.

A copy of a photograph has its pixels and nothing else: no place, no time, no telephone.
"""

import hashlib
import math
import os
import re
import stat
import unicodedata
import warnings
from collections import Counter
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote
from xml.parsers import expat

from PIL import Image, ImageOps

from coinsync.core.files.catalog import is_file_name
from coinsync.core.files.sheet import quoted, suggestion
from coinsync.errors import PictureRefused, UsageError, reason_of
from coinsync.files import make_folder, write_whole

BYTES_MAX = 10_000_000
SVG_BYTES_MAX = 200_000
#: A kilobyte of parts that show other parts ten times each keeps a browser busy for minutes.
DRAWN_MAX = 100_000
SIDE_MAX = 8_000
#: A small file can hold a large empty picture, and so many pixels fill 200 MB in memory.
PIXELS_MAX = 50_000_000

WEB_SIDE_MAX = 640
QUALITY = 82
_COPY_NAME = re.compile(r"[a-z0-9_-]{1,60}\.[0-9a-f]{12}\.(?:svg|webp)")

_SIGNATURES = (
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("JPEG", re.compile(rb"\xff\xd8\xff")),
    ("GIF", re.compile(rb"GIF8[79]a")),
    ("WEBP", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    ("SVG", re.compile(rb"(?:\xef\xbb\xbf)?\s*<")),
)


@dataclass(frozen=True, slots=True)
class WebPicture:
    """A copy for the web."""

    name: str
    content: bytes = field(repr=False)


def find(folder: Path, name: str) -> Path:
    """The file of a name in the folder of pictures. Raises ``PictureRefused``."""
    if not is_file_name(name):
        raise PictureRefused(f"{quoted(name)} is not the name of a file in {folder.name}")
    if (folder / name).exists():
        return folder / name
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError:
        why = f"{quoted(name)} is not there: the folder {folder} cannot be read"
        raise PictureRefused(why, advice="[shop] pictures names the folder.") from None
    # A Mac writes the "й" of a file's name in two characters, and whoever types it writes one.
    composed = unicodedata.normalize("NFC", name)
    for candidate in names:
        if unicodedata.normalize("NFC", candidate) == composed:
            return folder / candidate
    hint = suggestion(name, names)
    raise PictureRefused(f"{quoted(name)} is not in the folder {folder.name}{hint}")


def web_picture(source: Path) -> WebPicture:
    """The copy for the web of a picture; writes nothing. Raises ``PictureRefused``."""
    shown = quoted(source.name)
    content = _content(source, shown)
    kind = _kind(content, shown)
    if kind == "SVG":
        copy, suffix = _drawing(content, shown), "svg"
    else:
        copy, suffix = _photograph(content, kind, shown), "webp"
    # Names in an address keep to letters that need no escaping. The digest of what a copy holds
    # tells pictures apart, so that browsers may keep it for ever.
    stem = re.sub(r"[^a-z0-9_]+", "-", source.stem.lower()).strip("-")[:60]
    digest = hashlib.sha256(copy).hexdigest()[:12]
    return WebPicture(f"{stem or 'picture'}.{digest}.{suffix}", copy)


def keep(picture: WebPicture, folder: Path) -> None:
    """Write a copy into the folder for the web, whole or not at all."""
    target = folder / picture.name
    # Its name says that what is there is the same.
    if target.exists():
        return
    try:
        # The web view often runs under another account.
        make_folder(folder, 0o755)
        write_whole(target, picture.content, 0o644)
    except OSError as error:
        advice = "whoever loads the catalog must be allowed to write there."
        raise UsageError(
            f"{folder} cannot be written ({reason_of(error)}); nothing written",
            advice=f"[shop] web_pictures names the folder; {advice}",
        ) from error


def is_web_copy(folder: Path, name: str) -> bool:
    """Whether a copy of this name lies in the folder for the web."""
    return _COPY_NAME.fullmatch(name) is not None and (folder / name).is_file()


def _content(source: Path, shown: str) -> bytes:
    try:
        # Without O_NONBLOCK a pipe that somebody left there would never open.
        with open(os.open(source, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise PictureRefused(f"{shown} is no file")
            content = file.read(BYTES_MAX + 1)
    except IsADirectoryError:
        raise PictureRefused(f"{shown} is no file") from None
    except OSError as error:
        raise PictureRefused(f"{shown} cannot be read ({reason_of(error)})") from error
    if len(content) > BYTES_MAX:
        raise PictureRefused(f"{shown} has more than {BYTES_MAX // 1_000_000} MB")
    return content


def _kind(content: bytes, shown: str) -> str:
    for kind, begins in _SIGNATURES:
        if begins.match(content):
            return kind
    raise PictureRefused(f"{shown} is neither PNG, JPEG, WebP, GIF nor SVG, whatever it is called")


def _photograph(content: bytes, kind: str, shown: str) -> bytes:
    too_large = PictureRefused(
        f"{shown} has more than {SIDE_MAX} pixels on a side, or {PIXELS_MAX // 1_000_000} million"
    )
    with warnings.catch_warnings():
        # What the library finds strange but can read is good enough.
        warnings.simplefilter("ignore")
        try:
            with Image.open(BytesIO(content), formats=[kind]) as image:
                if max(image.size) > SIDE_MAX or image.width * image.height > PIXELS_MAX:
                    raise too_large
                return _small(image)
        except (PictureRefused, MemoryError):
            raise
        except Image.DecompressionBombError:
            raise too_large from None
        except Exception as error:
            # Decoders that are fed with anything fail in any way.
            why = f"{shown} begins like {kind} and cannot be read: it is damaged"
            raise PictureRefused(why) from error


def _small(image: Image.Image) -> bytes:
    # A JPEG can be read smaller than it is, which takes a fraction of the time.
    image.draft(None, (2 * WEB_SIDE_MAX, 2 * WEB_SIDE_MAX))
    wanted = "RGBA" if image.has_transparency_data else "RGB"
    if image.mode.startswith("I;16"):
        # A conversion by itself would cut the lighter shades of grey off.
        image = image.point(lambda shade: shade / 256).convert("L")
    coloured: Image.Image = image if image.mode == wanted else image.convert(wanted)
    coloured.thumbnail((WEB_SIDE_MAX, WEB_SIDE_MAX), Image.Resampling.LANCZOS, reducing_gap=3.0)
    upright = ImageOps.exif_transpose(coloured)
    # A new picture has none of the old one's notes, wherever a format hides them.
    picture = Image.new(upright.mode, upright.size)
    picture.paste(upright)
    out = BytesIO()
    picture.save(out, "WEBP", quality=QUALITY, method=4)
    return out.getvalue()


_SVG = "http://www.w3.org/2000/svg"
_XHTML = "http://www.w3.org/1999/xhtml"
_XML = "http://www.w3.org/XML/1998/namespace"

#: Elements that run, load or embed something.
_REFUSED = {"script", "foreignobject", "handler", "listener"}
_REFUSED |= {"iframe", "embed", "object", "audio", "video"}
#: What style sheets can fetch with, and escapes, in which all of that can be written too.
_FETCHES = re.compile(
    r"\\|@import|url\((?!\s*['\"]?\s*#)|image-set\(|src\(|image\(|expression\(", re.IGNORECASE
)

#: What an attribute shows of the picture itself, as "#part" or "url(#part)".
_SHOWN = re.compile(r"(?:^|url\()\s*['\"]?\s*#([^'\"()\s]+)", re.IGNORECASE)


def _drawing(content: bytes, shown: str) -> bytes:
    if len(content) > SVG_BYTES_MAX:
        limit = SVG_BYTES_MAX // 1_000
        raise PictureRefused(f"{shown} has more than {limit} KB, which is the limit for SVG")
    try:
        content.decode("utf-8")
        inspector = _Inspector(shown)
        inspector.parser.Parse(content, True)
    except UnicodeDecodeError:
        raise PictureRefused(f"{shown} is no SVG in UTF-8") from None
    except expat.ExpatError as error:
        raise PictureRefused(f"{shown} is no well-formed SVG: {error}") from error
    if inspector.drawn() > DRAWN_MAX:
        raise PictureRefused(
            f"{shown} shows its parts again and again: more than {DRAWN_MAX} shapes, or no end"
        )
    return content


class _Inspector:
    # Reads an SVG to its end and refuses what could do more than be looked at.

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._depth = 0
        self._style: list[str] | None = None
        # By id: how many elements it has, and which ids it holds or shows. An element without an
        # id counts with the nearest one around it that has one, and the picture's own is "".
        self._sizes: Counter[str] = Counter()
        self._parts: dict[str, list[str]] = {"": []}
        self._around = [""]
        self.parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declared
        # Entities can grow without end or bring files in, and a DOCTYPE declares them.
        parser.StartDoctypeDeclHandler = lambda *_: self._refuse("a DOCTYPE")
        parser.EntityDeclHandler = lambda *_: self._refuse("an ENTITY")
        parser.ProcessingInstructionHandler = lambda *_: self._refuse("a processing instruction")
        parser.StartElementHandler = self._begins
        parser.EndElementHandler = self._ends
        parser.CharacterDataHandler = self._text

    def _refuse(self, what: str) -> None:
        where = f"(line {self.parser.CurrentLineNumber})"
        raise PictureRefused(f"{self._shown} holds {what} {where}, and an SVG may hold shapes only")

    def _declared(self, _version: str, encoding: str | None, _alone: int) -> None:
        if encoding is not None and encoding.lower() != "utf-8":
            self._refuse(f"the encoding {quoted(encoding)}")

    def _begins(self, element: str, attributes: dict[str, str]) -> None:
        space, _, name = element.rpartition(" ")
        if self._depth == 0 and (space, name) != (_SVG, "svg"):
            raise PictureRefused(f"{self._shown} is XML and no SVG")
        self._depth += 1
        if space == _XHTML or name.lower() in _REFUSED or self._style is not None:
            self._refuse(f"the element {quoted(name)}")
        for attribute, value in attributes.items():
            self._check(attribute, value)
        if name == "style":
            self._style = []
        self._count(attributes)

    def _count(self, attributes: dict[str, str]) -> None:
        around = self._around[-1]
        name = attributes.get("id", "")
        if name:
            self._parts[around].append(name)
            self._parts.setdefault(name, [])
        owner = name or around
        self._around.append(owner)
        self._sizes[owner] += 1
        for value in attributes.values():
            self._parts[owner] += map(unquote, _SHOWN.findall(value))

    def drawn(self) -> float:
        """How many elements a browser draws, with all that are shown again; no end is infinite."""
        drawn: dict[str, float] = {}
        begun: set[str] = set()
        waiting = [""]
        while waiting:
            name = waiting[-1]
            # What is shown and does not exist is not drawn.
            parts = self._parts.get(name, [])
            if name not in begun:
                begun.add(name)
                waiting += [part for part in parts if part not in drawn]
                continue
            waiting.pop()
            # A part that is still being counted holds what shows it.
            drawn[name] = self._sizes[name] + sum(drawn.get(part, math.inf) for part in parts)
        return drawn[""]

    def _check(self, attribute: str, value: str) -> None:
        space, _, name = attribute.rpartition(" ")
        # An animation sets an attribute of its element, which may be one that is refused here.
        animated = value.rpartition(":")[2].strip().lower() if name == "attributeName" else ""
        if name.lower().startswith("on") or animated.startswith("on"):
            self._refuse(f"the attribute {quoted(animated or name)}")
        is_reference = name.lower() in ("href", "src") and not value.strip().startswith("#")
        # xml:base would make a reference within the picture point outside.
        if is_reference or animated == "href" or (space, name) == (_XML, "base"):
            self._refuse_reference(value)
        # Drawing programs keep paths in attributes of their own, and no browser reads those.
        if not space and _FETCHES.search(value):
            self._refuse_reference(value)

    def _refuse_reference(self, address: str) -> None:
        self._refuse(f"a reference to something outside: {quoted(address)}")

    def _text(self, text: str) -> None:
        if self._style is not None:
            self._style.append(text)

    def _ends(self, _element: str) -> None:
        self._depth -= 1
        self._around.pop()
        if self._style is None:
            return
        # No element may begin within a style, so this is its end. Its text comes in pieces, and
        # is only judged when it is whole.
        fetched = _FETCHES.search("".join(self._style))
        self._style = None
        if fetched:
            self._refuse_reference(fetched[0])
