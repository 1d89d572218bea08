"""Pictures of the shop's goods, which become small copies for the web, and the school's own.

A copy of a photograph has its pixels and nothing else: no place, no time, no telephone.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote
from xml.etree import ElementTree

from PIL import Image, ImageOps

from coinsync.core import colour
from coinsync.core.files.catalog import is_file_name
from coinsync.core.files.sheet import quoted, suggestion
from coinsync.errors import ConfigError, PictureRefused, UsageError, reason_of
from coinsync.files import make_folder, write_whole

if TYPE_CHECKING:
    from coinsync.config import BrandSettings


BYTES_MAX = 10_000_000
SVG_BYTES_MAX = 200_000
#: A kilobyte of parts that show other parts ten times each keeps a browser busy for minutes.
DRAWN_MAX = 100_000
#: A page brings the school's own pictures along.
BRAND_BYTES_MAX = 100_000
BRAND_ADVICE = (
    'Correct [brand]; "coinsync doctor -v" shows every pair of colours with its contrast.'
)
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


_SVG = "{http://www.w3.org/2000/svg}"
_XHTML = "{http://www.w3.org/1999/xhtml}"
_XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"

#: Entities can grow without end or bring files in, and a DOCTYPE declares them.
_MARKUP = (
    ("a DOCTYPE", re.compile("<!DOCTYPE")),
    ("a processing instruction", re.compile(r"<\?(?!xml\s)")),
)
_ENCODING = re.compile(r"<\?xml[^>]*\sencoding\s*=\s*['\"](?!utf-8['\"])([^'\"]*)", re.IGNORECASE)
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
        text = content.decode("utf-8-sig")
        for what, markup in _MARKUP:
            if markup.search(text):
                raise _Held(what)
        # A browser would read another encoding, and find other elements than we do.
        encoding = _ENCODING.match(text)
        if encoding:
            raise _Held(f"the encoding {quoted(encoding[1])}")
        # What could make reading XML dangerous is refused by now.
        _check_drawing(ElementTree.fromstring(text), shown)
    except UnicodeDecodeError:
        raise PictureRefused(f"{shown} is no SVG in UTF-8") from None
    except ElementTree.ParseError as error:
        raise PictureRefused(f"{shown} is no well-formed SVG: {error}") from error
    except _Held as held:
        why = f"{shown} holds {held}, and an SVG may hold shapes only"
        raise PictureRefused(why) from None
    return content


class _Held(Exception):
    """Something in an SVG that could do more than be looked at."""


def _check_drawing(root: ElementTree.Element, shown: str) -> None:
    if root.tag != f"{_SVG}svg":
        raise PictureRefused(f"{shown} is XML and no SVG")
    by_id: dict[str, ElementTree.Element] = {}
    parts: dict[ElementTree.Element, list[str]] = {}
    for element in root.iter():
        _check_element(element)
        by_id.setdefault(element.get("id", ""), element)
        parts[element] = []
        for value in element.attrib.values():
            parts[element] += map(unquote, _SHOWN.findall(value))
    # Drawn as a browser does it, with all parts that are shown again, until it is too much.
    waiting, drawn = [root], 0
    while waiting:
        element = waiting.pop()
        waiting += element
        waiting += [by_id[part] for part in parts[element] if part in by_id]
        drawn += 1
        if drawn + len(waiting) > DRAWN_MAX:
            raise PictureRefused(
                f"{shown} shows its parts again and again: more than {DRAWN_MAX} shapes, or no end"
            )


def _check_element(element: ElementTree.Element) -> None:
    name = element.tag.rpartition("}")[2]
    if element.tag.startswith(_XHTML) or name.lower() in _REFUSED:
        raise _Held(f"the element {quoted(name)}")
    if name == "style":
        for child in element:
            raise _Held(f"the element {quoted(child.tag.rpartition('}')[2])}")
        fetched = _FETCHES.search(element.text or "")
        if fetched:
            raise _outside(fetched[0])
    for attribute, value in element.items():
        _check_attribute(attribute, value)


def _check_attribute(attribute: str, value: str) -> None:
    space, _, name = attribute.rpartition("}")
    # An animation sets an attribute of its element, which may be one that is refused here.
    animated = value.rpartition(":")[2].strip().lower() if name == "attributeName" else ""
    if name.lower().startswith("on") or animated.startswith("on"):
        raise _Held(f"the attribute {quoted(animated or name)}")
    is_reference = name.lower() in ("href", "src") and not value.strip().startswith("#")
    # xml:base would make a reference within the picture point outside.
    if is_reference or animated == "href" or attribute == _XML_BASE:
        raise _outside(value)
    # Drawing programs keep paths in attributes of their own, and no browser reads those.
    if not space and _FETCHES.search(value):
        raise _outside(value)


def _outside(address: str) -> _Held:
    return _Held(f"a reference to something outside: {quoted(address)}")


# --- the school's own, judged before a family sees them ---


@dataclass(frozen=True, slots=True)
class BrandPictures:
    """The school's own pictures by name; ``logo`` and ``coin`` are names, "" for none."""

    logo: str
    coin: str
    contents: Mapping[str, bytes] = field(repr=False)


def brand_pictures(brand: BrandSettings) -> BrandPictures:
    """What the web view shows. Raises ``ConfigError`` with every problem."""
    refused = brand_problems(brand)
    if refused:
        raise ConfigError(refused, advice=BRAND_ADVICE)
    logo, coin = _brand_picture(brand.logo), _brand_picture(brand.coin)
    return BrandPictures(next(iter(logo), ""), next(iter(coin), ""), {**logo, **coin})


def brand_problems(brand: BrandSettings) -> list[str]:
    """What is wrong with the school's colours and pictures."""
    return colour.problems(brand) + picture_problems(brand)


def picture_problems(brand: BrandSettings) -> list[str]:
    """What is wrong with the logo and the picture of the coin."""
    problems = []
    for name, path in (("logo", brand.logo), ("coin", brand.coin)):
        try:
            _brand_picture(path)
        except PictureRefused as error:
            problems.append(f"config: [brand] {name}: {error.message}")
    return problems


def _brand_picture(path: Path | None) -> dict[str, bytes]:
    if path is None:
        return {}
    if path.suffix.lower() not in (".svg", ".png"):
        raise PictureRefused(f"{quoted(path.name)} is neither an SVG nor a PNG")
    copy = web_picture(path)
    if path.stat().st_size > BRAND_BYTES_MAX:
        raise PictureRefused(f"{quoted(path.name)} has more than {BRAND_BYTES_MAX // 1000} KB")
    return {copy.name: copy.content}
