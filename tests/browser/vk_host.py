"""VK as the mini app sees it: a page of vk.com around a frame, or a WebView, that speaks VK
Bridge's protocol.

What VK answers is decided here, in Python, call by call: it may answer, answer late, answer with an
error, or say nothing. The page and the WebView only carry messages. Everything that VK keeps for a
visitor lies in a ``Cloud``, which several hosts may share as several telephones of one person do.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from playwright.sync_api import Page

Data = Mapping[str, Any]

VALUE_MAX = 4096
#: As VK stores a quotation mark: six characters instead of one.
QUOTE = "&quot;"
KEYS_MAX = 1000
_STORAGE_KEY = re.compile(r"[a-zA-Z_\-0-9]{1,100}")
_WIDTHS, _HEIGHTS = range(600, 1001), range(500, 10001)
_NUMBERS = {
    "vk_user_id",
    "vk_app_id",
    "vk_ts",
    "vk_group_id",
    "vk_is_app_user",
    "vk_are_notifications_enabled",
}

UNSUPPORTED, BAD_PARAMS = 6, 5
_REASONS = {
    1: "Unknown error",
    2: "Missing required params",
    3: "Connection lost",
    4: "User denied",
    5: "Invalid params",
    6: "Unsupported platform",
    9: "Custom error",
    10: "Requests limit reached",
}


class Where(StrEnum):
    """Where the app is opened."""

    FRAME = "frame"
    ANDROID = "android"
    IPHONE = "iphone"
    #: A tab of its own; there is no VK to talk to.
    ALONE = "alone"


# --- how a call ends ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How VK treats a call: when it acts, whether it acts at all, and what it says; ``error``
    instead of a result.
    """

    seconds: float = 0.0
    acts: bool = True
    speaks: bool = True
    error: Data | None = None


answer = Behaviour()
#: Nothing is done and nothing is said.
never = Behaviour(acts=False, speaks=False)
#: It is done, but the answer gets lost.
unheard = Behaviour(speaks=False)


def late(seconds: float) -> Behaviour:
    """Do it and say so, both after a while."""
    return Behaviour(seconds=seconds)


def error(code: int, kind: str = "client_error", *, seconds: float = 0.0) -> Behaviour:
    """Refuse with a code; ``kind`` is ``client_error``, ``api_error`` or ``auth_error``."""
    return Behaviour(seconds=seconds, acts=False, error=_error(code, kind))


def _error(code: int, kind: str = "client_error") -> dict[str, Any]:
    text = "error_reason" if kind == "client_error" else "error_msg"
    return {
        "error_type": kind,
        "error_data": {"error_code": code, text: _REASONS.get(code, "Some error")},
    }


class _Refused(Exception):
    """VK cannot do what was asked."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


# --- what VK keeps ------------------------------------------------------------------------------


class Cloud:
    """VK's storage for the visitors of one app; ``shows_missing`` says whether a missing key is
    listed as empty.
    """

    def __init__(self, *, shows_missing: bool = True) -> None:
        self.shows_missing = shows_missing
        self._values: defaultdict[int, dict[str, str]] = defaultdict(dict)

    def of(self, vk: int) -> dict[str, str]:
        """Values of a visitor by key, as they are stored; a test may change them."""
        return self._values[vk]

    def put(self, vk: int, key: str, value: str) -> None:
        """Store the beginning of a value as VK does, without a word; an empty value deletes."""
        kept = value.replace('"', QUOTE)[:VALUE_MAX].replace(QUOTE, '"')
        if kept:
            self._values[vk][key] = kept
        else:
            self._values[vk].pop(key, None)

    def get(self, vk: int, keys: Iterable[str]) -> list[dict[str, str]]:
        """What is stored under some keys, in VK's form."""
        kept = self._values[vk]
        return [
            {"key": key, "value": kept.get(key, "")}
            for key in keys
            if key in kept or self.shows_missing
        ]


# --- VK -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Call:
    """One call as it came; ``waiting`` are the methods without an answer at that moment, its own
    among them.
    """

    method: str
    params: Data
    request_id: object
    version: str
    frame_id: str | None
    waiting: tuple[str, ...]
    behaviour: Behaviour
    answered: bool = False


@dataclass
class Host:
    """VK around one opened app: it hears, records and answers; each opened app needs a host of its
    own.

    ``config`` overrides what the app is told of its surroundings. A test may teach VK further
    methods in ``knows``, before the app is opened, or take some away.
    """

    cloud: Cloud = field(default_factory=Cloud)
    config: dict[str, Any] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    knows: dict[str, Callable[[Data], Data]] = field(default_factory=dict)
    #: Android: the icon of the app is on the home screen.
    on_home_screen: bool = False
    vk: int = 0
    _launch: str = ""
    _where: Where = Where.ALONE
    _page: Page | None = None
    _behaviours: dict[str, list[Behaviour]] = field(default_factory=dict)

    # -- for tests --

    def behave(self, method: str, *behaviours: Behaviour) -> None:
        """Treat the next calls of a method so, one after another; the last holds for all that
        follow.
        """
        self._behaviours[method] = list(behaviours)

    def push(self, event: str, data: Data) -> None:
        """Send an event that nobody asked for."""
        self._tell({"type": event, "data": dict(data)})

    def configure(self, **changes: Any) -> None:
        """Change the surroundings and say so, all of them at once as VK does."""
        self.config.update(changes)
        self.push("VKWebAppUpdateConfig", self.config)

    def forge(self, event: str, data: Data) -> None:
        """Send an event or an answer from a strange frame beside the app's."""
        page = self._opened()
        if not page.frame(name="stranger"):
            page.route(
                "https://stranger.example/**",
                lambda route: route.fulfill(content_type="text/html", body=""),
            )
            page.evaluate("() => vk.letIn('https://stranger.example/')")
        stranger = page.frame(name="stranger")
        assert stranger
        stranger.evaluate(
            "message => parent[0].postMessage(message, '*')", {"type": event, "data": dict(data)}
        )

    def of(self, method: str) -> list[Call]:
        """The calls of a method so far."""
        return [call for call in self.calls if call.method == method]

    def called(self, method: str, times: int = 1, *, seconds: float = 15.0) -> Call:
        """Wait until a method was called so often; the last of these calls."""
        left_ms = seconds * 1000
        while len(self.of(method)) < times:
            assert left_ms > 0, f"{method} was called {len(self.of(method))} times, not {times}"
            self._opened().wait_for_timeout(10)
            left_ms -= 10
        return self.of(method)[times - 1]

    def at_once(self, *methods: str) -> int:
        """How many calls of these methods, or of any, were without an answer at once, at most.

        A call that VK never answers stays without an answer.
        """
        counts = [
            sum(not methods or method in methods for method in call.waiting) for call in self.calls
        ]
        return max(counts, default=0)

    # -- for who opens the app --

    def receive(self, page: Page, where: Where, vk: int, launch: str, surroundings: Data) -> None:
        """Get ready in a page that is still empty."""
        assert self._page is None, "each opened app needs a host of its own"
        self._page, self._where, self.vk, self._launch = page, where, vk, launch
        self.config = {**surroundings, **self.config}
        self.knows = {**self._known(), **self.knows}
        page.expose_binding("vkHears", lambda _source, heard: self._hear(heard))
        page.expose_binding("vkAnswers", lambda _source, number: self._answer(number))
        if where is not Where.FRAME:
            page.add_init_script(
                _WEBVIEW.replace("METHODS", json.dumps(sorted(self.knows))).replace("WHERE", where)
            )

    # -- what VK does --

    def _opened(self) -> Page:
        assert self._page, "no app was opened in this host"
        return self._page

    def _tell(self, message: Data) -> None:
        self._opened().evaluate("message => vk.tell(message)", message)

    def _hear(self, heard: Data) -> tuple[int, float | None]:
        """Record a call; its number, and after how many seconds an answer is to be asked for, if at
        all.
        """
        method, params = heard["handler"], dict(heard["params"])
        waiting = (*(call.method for call in self.calls if not call.answered), method)
        planned = self._behaviours.get(method) or [answer]
        behaviour = planned.pop(0) if len(planned) > 1 else planned[0]
        request_id = params.pop("request_id", None)
        version, frame_id = heard.get("connectVersion", ""), heard.get("webFrameId")
        self.calls.append(Call(method, params, request_id, version, frame_id, waiting, behaviour))
        return len(
            self.calls
        ) - 1, behaviour.seconds if behaviour.acts or behaviour.speaks else None

    def _answer(self, number: int) -> list[Data]:
        """Do what was asked; the messages to send for it."""
        call = self.calls[number]
        if not call.behaviour.speaks:
            with suppress(_Refused):
                self._act(call)
            return []
        call.answered = True
        try:
            result = {**(call.behaviour.error or self._act(call))}
        except _Refused as refused:
            result = _error(refused.code)
        result["request_id"] = call.request_id
        if call.method == "SetSupportedHandlers":
            return [{"type": "SetSupportedHandlers", "data": result}]
        outcome = "Failed" if "error_type" in result else "Result"
        said: list[Data] = [{"type": call.method + outcome, "data": result}]
        if call.method == "VKWebAppInit" and outcome == "Result":
            frame_id: list[Data] = [{"type": "VKWebAppSettings", "frameId": "frame-1"}]
            said = [*frame_id, *said] if self._where is Where.FRAME else said
            said.append({"type": "VKWebAppUpdateConfig", "data": self.config})
        return said

    def _act(self, call: Call) -> Data:
        if call.method not in self.knows:
            raise _Refused(UNSUPPORTED)
        return self.knows[call.method](call.params)

    def _known(self) -> dict[str, Callable[[Data], Data]]:
        """What VK can do where the app is opened."""
        everywhere: dict[str, Callable[[Data], Data]] = {
            "VKWebAppInit": _done,
            "VKWebAppClose": _done,
            "VKWebAppGetConfig": lambda _params: self.config,
            "VKWebAppGetLaunchParams": lambda _params: _launch_params(self._launch),
            "VKWebAppStorageGet": self._storage_get,
            "VKWebAppStorageGetKeys": self._storage_keys,
            "VKWebAppStorageSet": self._storage_set,
            "VKWebAppAddToHomeScreenInfo": self._home_screen,
        }
        if self._where is Where.ANDROID:
            more = {"VKWebAppSetViewSettings": _done, "VKWebAppTapticImpactOccurred": _done}
            return {**everywhere, **more, "VKWebAppAddToHomeScreen": self._add_to_home_screen}
        if self._where is Where.IPHONE:
            names = (
                "VKWebAppSetViewSettings",
                "VKWebAppTapticImpactOccurred",
                "VKWebAppSetSwipeSettings",
            )
            return {**everywhere, **dict.fromkeys(names, _done)}
        on_web: dict[str, Callable[[Data], Data]] = {"SetSupportedHandlers": self._supported}
        if "vk_platform=desktop_web" in self._launch:
            on_web["VKWebAppResizeWindow"] = _resize
        return {**everywhere, **on_web}

    def _supported(self, _params: Data) -> Data:
        # VK's web says yes to this one too, and then refuses it.
        return {
            "supportedHandlers": [
                *(set(self.knows) - {"SetSupportedHandlers"}),
                "VKWebAppSetViewSettings",
            ]
        }

    def _storage_get(self, params: Data) -> Data:
        keys = params.get("keys")
        if not isinstance(keys, list) or not all(
            isinstance(key, str) and _STORAGE_KEY.fullmatch(key) for key in keys
        ):
            raise _Refused(BAD_PARAMS)
        return {"keys": self.cloud.get(self.vk, keys)}

    def _storage_keys(self, params: Data) -> Data:
        start, count = params.get("offset", 0), params.get("count", KEYS_MAX)
        return {"keys": sorted(self.cloud.of(self.vk))[start : start + count]}

    def _storage_set(self, params: Data) -> Data:
        key, value = params.get("key"), params.get("value", "")
        if (
            not isinstance(key, str)
            or not _STORAGE_KEY.fullmatch(key)
            or not isinstance(value, str)
        ):
            raise _Refused(BAD_PARAMS)
        self.cloud.put(self.vk, key, value)
        return {"result": True}

    def _home_screen(self, _params: Data) -> Data:
        return {
            "is_feature_supported": self._where is Where.ANDROID,
            "is_added_to_home_screen": self.on_home_screen,
        }

    def _add_to_home_screen(self, _params: Data) -> Data:
        self.on_home_screen = True
        return {"result": True}


def _done(_params: Data) -> Data:
    return {"result": True}


def _resize(params: Data) -> Data:
    width, height = params.get("width"), params.get("height", min(_HEIGHTS))
    if width not in _WIDTHS or height not in _HEIGHTS:
        raise _Refused(BAD_PARAMS)
    return {"width": width, "height": height}


def _launch_params(query: str) -> Data:
    """The launch as VK returns it: numbers as numbers."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return {name: int(value) if name in _NUMBERS else value for name, value in pairs}


# --- static text --------------------------------------------------------------------------------

#: Carries a call to Python and what comes back to the app; ``tell`` and ``resize`` are of the page
#: or the WebView.
_CARRIER = """
async function hear(heard) {
  const [number, seconds] = await vkHears(heard);
  if (seconds === null) return;
  if (seconds) await new Promise(done => setTimeout(done, seconds * 1000));
  for (const message of await vkAnswers(number)) {
    if (message.type === "VKWebAppResizeWindowResult") resize(message.data);
    tell(message);
  }
}
"""

_WEBVIEW = f"""
if (window === top && location.protocol.startsWith("http")) (() => {{
  {_CARRIER}
  const tell = detail => dispatchEvent(new CustomEvent("VKWebAppEvent", {{detail}}));
  const resize = () => {{}};
  const methods = make => Object.fromEntries(METHODS.map(handler => [handler, make(handler)]));
  if ("WHERE" === "android") {{
    window.AndroidBridge = methods(handler => text => {{ hear({{handler, params: JSON.parse(text)}}) }});
  }} else {{
    const messageHandlers = methods(handler => ({{postMessage: params => {{ hear({{handler, params}}) }}}}));
    window.webkit = {{messageHandlers}};
  }}
  window.vk = {{tell}};
}})();
"""

_PAGE = f"""<!doctype html>
<html lang="ru">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>VK</title>
<style>
html, body {{ margin: 0; height: 100%; background: #ebedf0 }}
iframe {{ display: block; margin: auto; border: 0; width: 100%; height: 100% }}
iframe[name=stranger] {{ display: none }}
.controls {{ position: fixed; top: 8px; right: 8px; width: 82px; height: 32px; border-radius: 16px;
  background: rgb(0 0 0 / 20%) }}
</style>
<script>
{_CARRIER}
const app = () => document.querySelector("iframe[name=app]");
const tell = message => app().contentWindow.postMessage(message, "*");
const resize = data => {{
  app().style.width = data.width + "px";
  app().style.height = data.height + "px";
}};
const letIn = address => new Promise(done => {{
  const frame = document.createElement("iframe");
  Object.assign(frame, {{name: "stranger", src: address, onload: done}});
  document.body.append(frame);
}});
addEventListener("message", event => {{
  if (event.source === app().contentWindow && event.data?.type === "vk-connect") hear(event.data);
}});
window.vk = {{tell, letIn}};
</script>
</head>
<body>
<iframe name="app" title="app" src="ADDRESS"></iframe>
CONTROLS
</body>
</html>
"""


def page_around(address: str, *, controls: bool) -> str:
    """VK's page with the app in a frame; with ``controls`` VK's own buttons float over its corner."""
    buttons = '<div class="controls"></div>' if controls else ""
    return _PAGE.replace("ADDRESS", escape(address)).replace("CONTROLS", buttons)
