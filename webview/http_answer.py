"""One answer to a browser: its headers and its compressed body."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, replace

HTML = "text/html; charset=UTF-8"
JSON = "application/json"

_FRAMED_BY = "https://vk.com https://*.vk.com https://vk.ru https://*.vk.ru"
#: What becomes smaller by compression, and from how many bytes on that is worth the work. Nothing
#: that a request says is repeated in an answer, so the compressed size tells nobody anything.
_COMPRESSED_KINDS = ("text/", JSON, "image/svg+xml")
_COMPRESSED_FROM_BYTES = 1024
_COMPRESSION_LEVEL = 6
_REFUSED_QUALITIES = frozenset({"q=0", "q=0.0", "q=0.00", "q=0.000"})


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One response before it is sent; ``reason`` is for the log."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    reason: str = ""


def security_headers(style_source: str, script_source: str = "") -> dict[str, str]:
    """The headers of every response; only these sources may style, and stand as a script."""
    policy = (
        "default-src 'none'",
        f"script-src 'self' {script_source}".rstrip(),
        f"style-src {style_source}",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "object-src 'none'",
        f"frame-ancestors {_FRAMED_BY}",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private, no-store",
    }


def takes_gzip(accepted: str) -> bool:
    """Tell whether Accept-Encoding names gzip and does not refuse it."""
    for coding in accepted.lower().split(","):
        name, _, parameters = coding.partition(";")
        if name.strip() == "gzip":
            return parameters.replace(" ", "") not in _REFUSED_QUALITIES
    return False


def compressed(answer: HttpAnswer) -> HttpAnswer:
    """Compress an answer by gzip, where that is worth it."""
    kind = answer.headers.get("Content-Type", "")
    if len(answer.body) < _COMPRESSED_FROM_BYTES or not kind.startswith(_COMPRESSED_KINDS):
        return answer
    # Without a time in it, the same page is the same bytes.
    body = gzip.compress(answer.body, _COMPRESSION_LEVEL, mtime=0)
    return replace(answer, body=body, headers={**answer.headers, "Content-Encoding": "gzip"})
