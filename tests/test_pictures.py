"""Pictures: judged by what they hold, made small, stripped of all but pixels, kept whole."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import struct
import unicodedata
import zlib
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from coinsync import pictures
from coinsync.errors import PictureRefused, UsageError
from coinsync.pictures import WebPicture, find, keep, web_picture
from coinsync.simulator.school import GOODS
from tests.support.makers import thorough

LEFT, RIGHT = (220, 30, 30), (30, 30, 220)
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    ' viewBox="0 0 9 9">{}</svg>'
)


def halves(size: tuple[int, int] = (200, 100), mode: str = "RGB") -> Image.Image:
    """A picture whose left half is red and whose right half is blue."""
    image = Image.new("RGB", size, RIGHT)
    image.paste(LEFT, (0, 0, size[0] // 2, size[1]))
    return image.convert(mode)


def encoded(image: Image.Image, kind: str, **settings: Any) -> bytes:
    """A picture as a file of that kind."""
    out = BytesIO()
    image.save(out, kind, **settings)
    return out.getvalue()


def copy_of(folder: Path, content: bytes, name: str = "mug.png") -> WebPicture:
    """The web copy of a file of that content."""
    path = folder / name
    path.write_bytes(content)
    return web_picture(path)


def opened(picture: WebPicture) -> Image.Image:
    """What a browser would see of a copy."""
    return Image.open(BytesIO(picture.content))


def refusal(folder: Path, content: bytes, name: str = "mug.png") -> str:
    """Why a file of that content is refused."""
    with pytest.raises(PictureRefused) as refused:
        copy_of(folder, content, name)
    return refused.value.message


def named_or_refused(folder: Path, content: bytes) -> str:
    """The name of the copy of a file of that content, or why there is none."""
    try:
        return copy_of(folder, content).name
    except PictureRefused as refused:
        return refused.message


def near(one: object, other: tuple[int, ...]) -> bool:
    """Whether two colours are the same but for what compression does."""
    assert isinstance(one, tuple)
    return all(abs(a - b) < 25 for a, b in zip(one, other, strict=True))


class TestPhotographs:
    """Each kind becomes WebP, however it is called."""

    @pytest.mark.parametrize("name", ["mug.png", "mug.jpeg", "mug.txt", "mug"])
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
    def test_each_kind(self, tmp_path: Path, kind: str, name: str) -> None:
        """By its content; the copy is named after the file and after what it holds."""
        picture = copy_of(tmp_path, encoded(halves(), kind), name)
        digest = hashlib.sha256(picture.content).hexdigest()[:12]
        assert picture.name == f"mug.{digest}.webp"
        image = opened(picture)
        assert (image.format, image.size) == ("WEBP", (200, 100))
        assert near(image.convert("RGB").getpixel((30, 50)), LEFT)
        assert near(image.convert("RGB").getpixel((170, 50)), RIGHT)

    @pytest.mark.parametrize(
        ("size", "copied"),
        [
            ((640, 640), (640, 640)),
            ((1280, 640), (640, 320)),
            ((500, 2000), (160, 640)),
            ((40, 30), (40, 30)),
        ],
    )
    def test_it_fits_and_is_never_enlarged(
        self, tmp_path: Path, size: tuple[int, int], copied: tuple[int, int]
    ) -> None:
        """Into 640 by 640."""
        assert opened(copy_of(tmp_path, encoded(halves(size), "JPEG"))).size == copied

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
    def test_each_mode_of_png(self, tmp_path: Path, mode: str) -> None:
        """Palettes, greys and transparency."""
        image = halves(mode=mode)
        picture = opened(copy_of(tmp_path, encoded(image, "PNG")))
        assert picture.size == (200, 100)

    def test_transparency_stays(self, tmp_path: Path) -> None:
        """So that goods lie on the page and not on white; a palette can be transparent too."""
        clear = Image.new("RGBA", (100, 100), (255, 0, 0, 0))
        clear.paste((0, 200, 0, 255), (50, 0, 100, 100))
        for content in (encoded(clear, "PNG"), encoded(clear.convert("P"), "GIF", transparency=0)):
            image = opened(copy_of(tmp_path, content))
            assert image.mode == "RGBA"
        image = opened(copy_of(tmp_path, encoded(clear, "PNG")))
        assert [image.getpixel((x, 50))[3] for x in (10, 90)] == [0, 255]  # type: ignore[index]

    def test_grey_of_sixteen_bits(self, tmp_path: Path) -> None:
        """Is not washed out."""
        image = opened(copy_of(tmp_path, encoded(Image.new("I;16", (20, 20), 0x8000), "PNG")))
        assert near(image.getpixel((5, 5)), (128, 128, 128))

    def test_print_colours(self, tmp_path: Path) -> None:
        """A JPEG for printers is shown as well."""
        image = opened(
            copy_of(tmp_path, encoded(Image.new("CMYK", (20, 20), (0, 255, 255, 0)), "JPEG"))
        )
        assert near(image.getpixel((5, 5)), (255, 0, 0))

    def test_the_first_frame(self, tmp_path: Path) -> None:
        """Nothing moves in the catalog."""
        frames = [Image.new("RGB", (30, 30), colour) for colour in (LEFT, RIGHT)]
        for kind in ("GIF", "WEBP", "PNG"):
            content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
            image = opened(copy_of(tmp_path, content))
            assert getattr(image, "n_frames", 1) == 1
            assert near(image.convert("RGB").getpixel((5, 5)), LEFT)

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_nothing_but_pixels_stays(self, tmp_path: Path, kind: str) -> None:
        """No place, no telephone, no words; and the picture stands upright."""
        notes = Image.Exif()
        notes[0x0112], notes[0x010F] = 6, "Camera of Ada"
        notes.get_ifd(0x8825)[1] = "N"
        settings: dict[str, Any] = {
            "exif": notes,
            "icc_profile": b"profile of Ada",
            "xmp": b"<x:xmpmeta>Ada</x:xmpmeta>",
        }
        if kind == "PNG":
            del settings["xmp"]
        content = encoded(halves(), kind, **settings)
        assert b"Ada" in content
        picture = copy_of(tmp_path, content)
        image = opened(picture)
        assert b"Ada" not in picture.content
        assert b"EXIF" not in picture.content
        assert not {"exif", "icc_profile", "xmp"} & set(image.info)
        # What lay on its left side stands: the left half is above.
        assert image.size == (100, 200)
        assert near(image.convert("RGB").getpixel((50, 30)), LEFT)
        assert near(image.convert("RGB").getpixel((50, 170)), RIGHT)

    @pytest.mark.parametrize(
        "notes", [b"Exif\0\0garbage", b"Exif\0\0II*\0\x08\0\0\0\xff\xff garbage"]
    )
    def test_notes_that_cannot_be_read_spoil_nothing(self, tmp_path: Path, notes: bytes) -> None:
        """Telephones write strange things."""
        assert opened(copy_of(tmp_path, encoded(halves(), "JPEG", exif=notes))).size == (200, 100)

    def test_the_same_picture_gives_the_same_name(self, tmp_path: Path) -> None:
        """And another one another: the name may be kept by browsers for ever."""
        one, two = (copy_of(tmp_path, encoded(halves(), "PNG")) for _ in range(2))
        assert one == two
        assert copy_of(tmp_path, encoded(halves((201, 100)), "PNG")).name != one.name

    @pytest.mark.parametrize(
        ("name", "stem"),
        [
            ("Mug Blue (2).PNG", "mug-blue-2"),
            ("Кружка.png", "picture"),
            ("Футболка XL.png", "xl"),
            ("a" * 90 + ".png", "a" * 60),
            ("t_shirt.v2.png", "t_shirt-v2"),
        ],
    )
    def test_the_name_is_fit_for_an_address(self, tmp_path: Path, name: str, stem: str) -> None:
        """Small Latin letters, digits, - and _; other letters are left out."""
        assert re.fullmatch(
            re.escape(stem) + r"\.[0-9a-f]{12}\.webp",
            copy_of(tmp_path, encoded(halves(), "PNG"), name).name,
        )


def a_bomb(width: int, height: int) -> bytes:
    """A PNG of very few bytes that says it is very large."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    lines = zlib.compress(b"\0" * min(height * (1 + width // 8), 1_000_000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")
    )


class TestRefused:
    """With the name of the file and the reason."""

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"Not a picture",
            encoded(halves(), "BMP"),
            encoded(halves(), "TIFF"),
            encoded(halves(), "ICO"),
            encoded(halves(), "PPM"),
            b"%PDF-1.7",
            b"\0" * 100,
            b"%!PS-Adobe-3.0 EPSF-3.0\n",
        ],
    )
    def test_other_kinds(self, tmp_path: Path, content: bytes) -> None:
        """Whatever the name says."""
        says = '"mug.png" is neither PNG, JPEG, WebP, GIF nor SVG, whatever it is called'
        assert refusal(tmp_path, content) == says

    @pytest.mark.parametrize(
        "size", [(8001, 10), (10, 8001), (8000, 8000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)]
    )
    def test_bombs(self, tmp_path: Path, size: tuple[int, int]) -> None:
        """A size that is said is believed before anything is unpacked."""
        content = a_bomb(*size)
        assert len(content) < 3_000
        assert (
            refusal(tmp_path, content)
            == '"mug.png" has more than 8000 pixels on a side, or 50 million'
        )

    def test_the_largest_that_is_taken(self, tmp_path: Path) -> None:
        """8000 pixels on a side are not too many by themselves."""
        assert opened(copy_of(tmp_path, encoded(Image.new("1", (8000, 60)), "PNG"))).size == (
            640,
            5,
        )

    def test_too_many_bytes(self, tmp_path: Path) -> None:
        """10 MB."""
        content = encoded(halves(), "PNG")
        assert (
            refusal(tmp_path, content + b"\0" * pictures.BYTES_MAX)
            == '"mug.png" has more than 10 MB'
        )

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
    def test_half_a_picture(self, tmp_path: Path, kind: str) -> None:
        """A download that broke off."""
        content = encoded(Image.effect_noise((300, 300), 90).convert("RGB"), kind)
        told = '"mug.png" begins like .* and cannot be read: it is damaged'
        assert re.fullmatch(told, refusal(tmp_path, content[: len(content) // 2]))

    def test_what_is_no_file(self, tmp_path: Path) -> None:
        """A folder, a pipe in which nobody writes, nothing at all."""
        (tmp_path / "folder").mkdir()
        os.mkfifo(tmp_path / "pipe")
        for name, says in (
            ("folder", '"folder" is no file'),
            ("pipe", '"pipe" is no file'),
            ("x", '"x" cannot be read'),
        ):
            with pytest.raises(PictureRefused) as refused:
                web_picture(tmp_path / name)
            assert refused.value.message.startswith(says)

    @thorough(150)
    @given(
        st.sampled_from(
            [encoded(halves(), kind) for kind in ("PNG", "JPEG", "WEBP", "GIF")] + [SVG.encode()]
        ),
        st.integers(0, 2_000),
        st.binary(max_size=40),
    )
    @example(b"\x89PNG\r\n\x1a\n", 99, b"")
    def test_any_bytes_are_a_picture_or_refused(
        self, content: bytes, at: int, other: bytes
    ) -> None:
        """Never another error."""
        spoilt = content[:at] + other + content[at + len(other) :]
        with TemporaryDirectory() as folder:
            told = named_or_refused(Path(folder), spoilt)
        assert re.match(r'mug\.[0-9a-f]{12}\.(webp|svg)$|"mug\.png" ', told)


class TestDrawings:
    """An SVG is copied as it is, if it is nothing but a drawing."""

    @pytest.mark.parametrize(
        "inside",
        [
            "",
            '<rect width="5" height="5" fill="url(#g)"/><linearGradient id="g"/>',
            '<use href="#a"/><use xlink:href="#a"/>',
            "<style>.a { fill: url( '#g' ) } rect { stroke: red }</style>",
            '<rect style="fill:url(#g)"/>',
            '<i:view xmlns:i="http://inkscape.example/" i:file="C:\\pictures\\mug.png"/>',
            "<!-- a word -->",
            "<text>&#1056;&amp;</text>",
            '<animate attributeName="fill" to="red"/>',
        ],
    )
    def test_a_drawing(self, tmp_path: Path, inside: str) -> None:
        """Byte by byte."""
        content = SVG.format(inside).encode()
        picture = copy_of(tmp_path, content, "mug.png")
        assert picture.content == content
        assert picture.name == f"mug.{hashlib.sha256(content).hexdigest()[:12]}.svg"

    def test_a_heading_of_xml(self, tmp_path: Path) -> None:
        """And a mark before it."""
        content = b"\xef\xbb\xbf" + b'<?xml version="1.0" encoding="UTF-8"?>\n' + SVG.encode()
        assert copy_of(tmp_path, content).content == content

    @pytest.mark.parametrize(
        ("inside", "says"),
        [
            ("<script>alert(1)</script>", 'the element "script"'),
            ("<SCRIPT/>", 'the element "SCRIPT"'),
            ('<x:script xmlns:x="http://www.w3.org/2000/svg"/>', 'the element "script"'),
            ("<foreignObject/>", 'the element "foreignObject"'),
            ('<b xmlns="http://www.w3.org/1999/xhtml"/>', 'the element "b"'),
            ('<handler type="text/javascript"/>', 'the element "handler"'),
            ('<rect onload="x()"/>', 'the attribute "onload"'),
            ('<rect ONCLICK="x()"/>', 'the attribute "ONCLICK"'),
            ('<set attributeName="onclick" to="x()"/>', 'the attribute "onclick"'),
            ('<set attributeName="xlink:href" to="javascript:x()"/>', "something outside"),
            ('<a href="https://example.org"/>', 'something outside: "https://example.org"'),
            ('<a xlink:href=" javascript:x()"/>', "something outside"),
            ('<image href="data:image/png;base64,AAAA"/>', "something outside"),
            ('<use href="other.svg#a"/>', "something outside"),
            ('<feImage href="//example.org/a.png"/>', "something outside"),
            ('<g xml:base="https://example.org/"/>', "something outside"),
            ('<rect fill="url(https://example.org/a.svg#g)"/>', "something outside"),
            ('<rect style="background: URL( &quot;//example.org&quot;)"/>', "something outside"),
            ('<rect style="fill:u\\72l(//example.org)"/>', "something outside"),
            ("<style>@import '//example.org';</style>", 'something outside: "@import"'),
            ("<style>a{b:url(//example.org)}</style>", 'something outside: "url("'),
            ("<style>a{b:image-set('a.png' 1x)}</style>", "something outside"),
            ("<style><![CDATA[@import 'x';]]></style>", "something outside"),
            ("<style>a{}<b/>@import 'x'</style>", 'the element "b"'),
            ("<?xml-stylesheet href='x.css'?>", "a processing instruction"),
        ],
    )
    def test_what_could_do_more(self, tmp_path: Path, inside: str, says: str) -> None:
        """Is refused, and named."""
        assert says in refusal(tmp_path, SVG.format(f"\n{inside}").encode())

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            ('<!DOCTYPE svg><svg xmlns="http://www.w3.org/2000/svg"/>', "a DOCTYPE"),
            (
                '<!DOCTYPE s [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
                "a DOCTYPE",
            ),
            (SVG.format("&nbsp;"), "is no well-formed SVG: undefined entity"),
            (SVG.format("<g>"), "is no well-formed SVG: mismatched tag"),
            ("<svg/>", "is XML and no SVG"),
            ("<html><body/></html>", "is XML and no SVG"),
            ("<!doctype html><p>", "is no well-formed SVG"),
            ("<" * 100, "is no well-formed SVG"),
            ('<?xml version="1.0" encoding="windows-1251"?><svg/>', 'the encoding "windows-1251"'),
        ],
    )
    def test_what_is_no_drawing(self, tmp_path: Path, content: str, says: str) -> None:
        """Entities of its own among it: a few lines of them fill any memory."""
        assert says in refusal(tmp_path, content.encode())

    def test_another_encoding(self, tmp_path: Path) -> None:
        """One that other readers might understand otherwise is not taken."""
        assert (
            refusal(tmp_path, SVG.format("<!-- Ж -->").encode("cp1251"))
            == '"mug.png" is no SVG in UTF-8'
        )
        assert "neither" in refusal(tmp_path, SVG.encode("utf-16"))

    def test_too_large(self, tmp_path: Path) -> None:
        """200 KB."""
        content = SVG.format(" " * pictures.SVG_BYTES_MAX).encode()
        assert (
            refusal(tmp_path, content)
            == '"mug.png" has more than 200 KB, which is the limit for SVG'
        )

    @pytest.mark.parametrize(
        "body",
        [
            "".join(f'<g id="{n + 1}">' + 9 * f'<use href="#{n}"/>' + "</g>" for n in range(7)),
            "".join(f'<g id="{n + 1}">' + 9 * f'<g fill="url(#{n})"/>' + "</g>" for n in range(7)),
            '<g id="a"><use href="#a"/></g>',
            '<g id="a"><use href="#%62"/></g><g id="b"><use xlink:href="#a"/></g>',
        ],
    )
    def test_a_drawing_that_never_ends_is_refused(self, tmp_path: Path, body: str) -> None:
        """A kilobyte of parts that show each other keeps a browser busy for minutes."""
        shape = '<rect id="0" width="1" height="1"/>'
        (tmp_path / "mug.svg").write_text(SVG.format(shape + body), encoding="utf-8")
        with pytest.raises(PictureRefused, match="again and again"):
            web_picture(tmp_path / "mug.svg")

    def test_a_drawing_may_show_a_part_often(self, tmp_path: Path) -> None:
        """As many times as somebody draws."""
        body = '<rect id="a" fill="#abc"/>' + 3_000 * '<use href="#a" fill="url(#b)"/>'
        (tmp_path / "mug.svg").write_text(SVG.format(body), encoding="utf-8")
        assert web_picture(tmp_path / "mug.svg").content

    @pytest.mark.parametrize("path", sorted(GOODS.glob("*.svg")), ids=lambda path: path.stem)
    def test_the_drawings_of_the_project(self, path: Path) -> None:
        """Are all taken, and small."""
        assert len(web_picture(path).content) < 10_000


class TestTheFolder:
    """What staff call a picture is found."""

    def test_a_name_with_another_form_of_letters(self, tmp_path: Path) -> None:
        """A Mac takes й apart."""
        apart = unicodedata.normalize("NFD", "Чай.png")
        (tmp_path / apart).touch()
        assert find(tmp_path, "Чай.png") == tmp_path / apart

    def test_a_name_that_is_not_there(self, tmp_path: Path) -> None:
        """The nearest is offered."""
        (tmp_path / "mug.png").touch()
        with pytest.raises(PictureRefused) as refused:
            find(tmp_path, "mag.png")
        assert (
            refused.value.message
            == f'"mag.png" is not in the folder {tmp_path.name}; did you mean "mug.png"?'
        )

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        """It is named, with the key of the configuration."""
        with pytest.raises(PictureRefused, match="none cannot be read") as refused:
            find(tmp_path / "none", "mug.png")
        assert "[shop] pictures" in refused.value.advice

    @pytest.mark.parametrize("name", ["../a.png", "/etc/passwd", ".htaccess", ""])
    def test_no_way_out(self, tmp_path: Path, name: str) -> None:
        """A name is a name and no way."""
        with pytest.raises(PictureRefused, match="is not the name of a file"):
            find(tmp_path, name)


class TestKeeping:
    """A copy is written once, whole, for everybody to read."""

    PICTURE = WebPicture("mug.0123456789ab.webp", b"content")

    def test_a_copy(self, tmp_path: Path) -> None:
        """Whatever mask the account has; the folder is made."""
        folder, mask = tmp_path / "some" / "web", os.umask(0o077)
        try:
            keep(self.PICTURE, folder)
        finally:
            os.umask(mask)
        path = folder / self.PICTURE.name
        assert path.read_bytes() == b"content"
        assert [stat.S_IMODE(one.stat().st_mode) for one in (path, folder)] == [0o644, 0o755]
        assert [one.name for one in folder.iterdir()] == [path.name]

    def test_one_that_is_there_is_not_written_again(self, tmp_path: Path) -> None:
        """Its name says what it holds."""
        keep(self.PICTURE, tmp_path)
        path = tmp_path / self.PICTURE.name
        before = path.stat()
        keep(self.PICTURE, tmp_path)
        after = path.stat()
        assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

    def test_a_folder_that_cannot_be_written(self, tmp_path: Path) -> None:
        """Told with the key of the configuration, and nothing is left behind."""
        (tmp_path / "web").write_text("a file where a folder should be")
        with pytest.raises(UsageError, match="cannot be written") as refused:
            keep(self.PICTURE, tmp_path / "web")
        assert "[shop] web_pictures" in refused.value.advice
        assert [one.name for one in tmp_path.iterdir()] == ["web"]
