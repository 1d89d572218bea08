"""The check of a launch: published vectors, every tampering, every edge, and no exception on any
text.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webview.launch import (
    AGE_SECONDS_CEILING,
    LaunchFault,
    Visitor,
    sign,
    signature,
    verify,
)

KEY = "ExampleProtectedKey0001"
OTHER_KEY = "ExampleProtectedKey0002"
APP = 7000001
TS = 1767225600
NOW = TS + 60

SAMPLE_KEY = "wvl68m4dR1UpLrVRli"
SAMPLE = (
    "vk_user_id=494075&vk_app_id=6736218&vk_is_app_user=1&vk_are_notifications_enabled=1"
    "&vk_language=ru&vk_access_token_settings=&vk_platform=android"
)
SAMPLE_SIGN = "htQFduJpLxz7ribXRZpDFUH-XEUhC9rBPTJkjUFEkRA"

MOBILE = (
    "vk_access_token_settings=friends%2Cmenu&vk_app_id=7000001&vk_are_notifications_enabled=0&vk_group_id=200000001"
    "&vk_is_app_user=1&vk_is_favorite=0&vk_language=ru&vk_platform=mobile_web&vk_ref=group_menu&vk_ts=1767225600"
    "&vk_user_id=100500&vk_viewer_group_role=member&sign=oh1nUIYxDkOQFgA1panY5nmEYsVhhpmXwUWjR-yO4bg"
)
DESKTOP = (
    "vk_access_token_settings=&vk_app_id=7000001&vk_are_notifications_enabled=1&vk_is_app_user=0&vk_is_favorite=1"
    "&vk_language=en&vk_platform=desktop_web&vk_ref=a%2Fb%20c%2Bd&vk_ts=1767225600&vk_user_id=42"
    "&sign=p7VkNtDkzzsTyM8k4GpyrAimLe_eHsE7h1ii0BjNDPE"
)

FIELDS = {
    "vk_access_token_settings": "",
    "vk_app_id": str(APP),
    "vk_language": "ru",
    "vk_platform": "mobile_android",
    "vk_ts": str(TS),
    "vk_user_id": "100500",
}


def check(
    query: str, *, keys: tuple[str, ...] = (KEY,), now: int = NOW, age: int = 86400
) -> Visitor | LaunchFault:
    """Verify with this file's key, app and time."""
    return verify(query, keys=keys, app_id=APP, now=now, age_seconds_max=age)


def signed(key: str = KEY, /, **changes: str) -> str:
    """A launch like ``FIELDS`` with changes, rightly signed."""
    return sign({**FIELDS, **changes}, key)


def refused(query: str, *, now: int = NOW, age: int = 86400) -> LaunchFault:
    """The reason for which a query is refused."""
    found = check(query, now=now, age=age)
    assert isinstance(found, LaunchFault)
    return found


def pairs(query: str) -> list[tuple[bytes, bytes]]:
    """The decoded pairs of a query, by another parser than ours."""
    return [
        (name.encode(), value.encode()) for name, value in parse_qsl(query, keep_blank_values=True)
    ]


# --- vectors ------------------------------------------------------------------------------------


def test_official_sample_has_the_signature_of_its_node_example() -> None:
    """VK's sample launch gives the signature printed beside the Node, TypeScript and Go examples."""  # noqa: E501
    assert signature(pairs(SAMPLE), SAMPLE_KEY).decode() == SAMPLE_SIGN


@pytest.mark.parametrize(
    "printed",
    ["exTIBPYTrAKDTHLLm2AwJkmcVcvFCzQUNyoa6wAjvW6k", "exTIBPYTrAKDTHLLm2AwJkmcVcvFCzQUNyoa6wAjvW6"],
)
def test_misprinted_signatures_of_the_official_sample_are_refused(printed: str) -> None:
    """The signatures printed beside VK's PHP, Python and Java examples are wrong and stay refused."""  # noqa: E501
    found = verify(f"{SAMPLE}&sign={printed}", keys=[SAMPLE_KEY], app_id=6736218, now=TS)
    assert isinstance(found, LaunchFault)
    assert found in (LaunchFault.BAD_SIGN_FORM, LaunchFault.BAD_SIGNATURE)


def test_official_sample_passes_the_signature_and_fails_for_want_of_a_time() -> None:
    """The sample is signed rightly but says no time, and a launch without a time is refused."""
    found = verify(f"{SAMPLE}&sign={SAMPLE_SIGN}", keys=[SAMPLE_KEY], app_id=6736218, now=TS)
    assert found == LaunchFault.BAD_TIMESTAMP


def test_foreign_names_take_no_part_in_the_signature() -> None:
    """A vector of an independent implementation: a foreign ``q`` changes nothing, an encoded ``&``
    is a value.
    """
    query = SAMPLE.replace("=android", "=andr%26oid") + "&q=1"
    assert signature(pairs(query), SAMPLE_KEY) == b"gAgvKPEe3wJiC9ZdT16XuZ65_KSH5WkGSeDp_CQofws"


def test_mobile_vector_is_a_visitor() -> None:
    """A launch with a comma list gives its visitor."""
    assert check(MOBILE) == Visitor(100500, "ru")


def test_desktop_vector_is_a_visitor() -> None:
    """A launch with a blank value, a slash, a space and a plus gives its visitor."""
    assert check(DESKTOP) == Visitor(42, "en")


def test_sign_writes_what_verify_reads() -> None:
    """The two published queries are exactly what ``sign`` writes."""
    for query in (MOBILE, DESKTOP):
        assert (
            sign(dict(parse_qsl(query.rpartition("&sign=")[0], keep_blank_values=True)), KEY)
            == query
        )


# --- the same launch, written otherwise ---------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "otherwise"),
    [
        ("%2C", ","),
        ("%2C", "%2c"),
        ("group_menu", "%67roup_menu"),
        ("vk_ref", "vk%5Fref"),
        ("=ru&", "=%72%75&"),
    ],
)
def test_encoding_on_the_way_does_not_matter(written: str, otherwise: str) -> None:
    """A raw comma, small hexadecimal digits and needless encoding are the same launch."""
    assert check(MOBILE.replace(written, otherwise)) == check(MOBILE)


def test_plus_on_the_way_is_a_space() -> None:
    """A browser's form encoding of a space is read as a space."""
    assert check(DESKTOP.replace("%20", "+")) == check(DESKTOP)


def test_text_is_decoded_once_only() -> None:
    """A double-encoded comma is another text than a comma."""
    assert refused(MOBILE.replace("%2C", "%252C")) is LaunchFault.BAD_SIGNATURE


def test_order_of_fields_does_not_matter() -> None:
    """The fields are signed in the order of their names, wherever they stand."""
    assert check("&".join(reversed(MOBILE.split("&")))) == check(MOBILE)


def test_blank_value_and_name_without_equals_are_the_same() -> None:
    """``vk_access_token_settings`` may be blank and still belongs to the signed text."""
    assert check(DESKTOP.replace("settings=&", "settings&")) == check(DESKTOP)
    assert refused(DESKTOP.replace("vk_access_token_settings=&", "")) is LaunchFault.BAD_SIGNATURE


@pytest.mark.parametrize(
    "extra", ["VK_USER_ID=1", "vkuser_id=1", "user_id=1", "viewer_id=1", "resident=2", "a=1&a=2"]
)
def test_foreign_fields_are_ignored(extra: str) -> None:
    """Names that VK does not sign are no identity, repeated or not, in front or behind."""
    assert check(f"{extra}&{MOBILE}") == check(f"{MOBILE}&{extra}") == check(MOBILE)


def test_unknown_signed_field_is_accepted_when_signed() -> None:
    """VK may add names: a signed one is fine, the same one added by somebody else is not."""
    assert isinstance(check(signed(vk_experiment="7")), Visitor)
    assert refused(signed() + "&vk_experiment=7") is LaunchFault.BAD_SIGNATURE


def test_language_may_be_missing() -> None:
    """Only app, time and user must be there."""
    bare = {name: FIELDS[name] for name in ("vk_app_id", "vk_ts", "vk_user_id")}
    assert check(sign(bare, KEY)) == Visitor(100500, "")


# --- tampering ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["vk_user_id", "vk%5Fuser_id", "%76k_user_id", "vk_us%65r_id"])
def test_second_user_id_is_refused_wherever_it_stands(name: str) -> None:
    """Two readers of a repeated name could see two visitors, so nobody sees any."""
    assert refused(f"{name}=2&{MOBILE}") is LaunchFault.REPEATED
    assert refused(f"{MOBILE}&{name}=2") is LaunchFault.REPEATED


def test_repeated_sign_is_refused() -> None:
    """A second signature, also through an encoded name, is refused."""
    assert refused(f"sign={'A' * 43}&{MOBILE}") is LaunchFault.REPEATED
    assert refused(f"{MOBILE}&%73ign={'A' * 43}") is LaunchFault.REPEATED


@pytest.mark.parametrize("name", list(FIELDS))
def test_any_changed_or_missing_field_breaks_the_signature(name: str) -> None:
    """No signed field can be changed or left out."""
    query = signed()
    assert (
        refused(query.replace(f"{name}={FIELDS[name]}", f"{name}={FIELDS[name]}1"))
        is LaunchFault.BAD_SIGNATURE
    )
    assert refused(query.replace(f"{name}={FIELDS[name]}&", "")) is LaunchFault.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ("", LaunchFault.NO_SIGN),
        ("A" * 42, LaunchFault.BAD_SIGN_FORM),
        ("A" * 44, LaunchFault.BAD_SIGN_FORM),
        ("A" * 43 + "%3D", LaunchFault.BAD_SIGN_FORM),
        ("A" * 42 + "%2B", LaunchFault.BAD_SIGN_FORM),
        ("A" * 42 + "%2F", LaunchFault.BAD_SIGN_FORM),
        ("A" * 43 + "%0A", LaunchFault.BAD_SIGN_FORM),
        ("%20" + "A" * 42, LaunchFault.BAD_SIGN_FORM),
        ("я" * 43, LaunchFault.BAD_SIGN_FORM),
        ("%D1%8F" * 43, LaunchFault.BAD_SIGN_FORM),
        ("0f" * 32, LaunchFault.BAD_SIGN_FORM),
        ("A" * 43, LaunchFault.BAD_SIGNATURE),
    ],
)
def test_sign_of_wrong_form_or_content_is_refused(form: str, reason: LaunchFault) -> None:
    """Missing, short, long, padded, of the other alphabet, not ASCII, hexadecimal or simply wrong."""  # noqa: E501
    assert refused(MOBILE.rpartition("sign=")[0] + "sign=" + form) is reason


def test_sign_in_other_case_is_refused() -> None:
    """The signature's letters are told apart by case."""
    head, _, tail = MOBILE.rpartition("sign=")
    assert refused(f"{head}sign={tail.swapcase()}") is LaunchFault.BAD_SIGNATURE


def test_signature_of_nothing_is_no_launch() -> None:
    """A right signature of the empty text proves nothing."""
    assert refused(sign({}, KEY)) is LaunchFault.WRONG_APP


def test_empty_query_is_refused() -> None:
    """No query at all is refused quietly."""
    assert refused("") is LaunchFault.NO_SIGN
    assert refused("vk_user_id=1") is LaunchFault.NO_SIGN


@given(
    position=st.integers(0, len(MOBILE) - 1),
    letter=st.characters(),
    way=st.sampled_from(["in", "out", "for"]),
)
def test_every_change_of_one_character_is_refused(position: int, letter: str, way: str) -> None:
    """One character put in, taken out or exchanged: refused, unless the query still says the same."""  # noqa: E501
    rest = MOBILE[position if way == "in" else position + 1 :]
    changed = MOBILE[:position] + ("" if way == "out" else letter) + rest
    found = check(changed)
    if isinstance(found, Visitor):
        assert found == check(MOBILE)
        ours = [pair for pair in pairs(changed) if pair[0].startswith(b"vk_") or pair[0] == b"sign"]
        assert sorted(ours) == sorted(pairs(MOBILE))


@given(st.text())
def test_no_text_raises(text: str) -> None:
    """Any text at all gives a refusal and never an exception."""
    assert isinstance(check(text), LaunchFault)


@given(st.text(alphabet="vk_useridsgn=&%0aZ+я\ud800\x00", max_size=200))
def test_no_text_of_our_own_letters_raises(text: str) -> None:
    """Texts that look almost like a launch, with broken encodings and half characters, give a
    refusal too.
    """
    assert isinstance(check(text), LaunchFault)
    assert isinstance(check(f"{text}&{MOBILE}x"), LaunchFault)


# --- keys and app -------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [(), ("",), (KEY[:15],), ("", KEY[:15])])
def test_without_a_usable_key_everything_is_refused(keys: tuple[str, ...]) -> None:
    """No key, an empty one or one shorter than 16 characters: nobody gets in, not even who signed
    with it.
    """
    assert check(MOBILE, keys=keys) == LaunchFault.NO_KEY
    for key in keys:
        assert check(signed(key), keys=keys) == LaunchFault.NO_KEY


def test_short_key_opens_nothing_beside_a_good_one() -> None:
    """A key that is too short does not count although another one is fine."""
    assert check(signed("short"), keys=("short", KEY)) == LaunchFault.BAD_SIGNATURE


def test_both_keys_work_while_a_key_is_changed() -> None:
    """Whichever of several keys signed, in whatever order they stand."""
    for keys in ((KEY, OTHER_KEY), (OTHER_KEY, KEY)):
        assert isinstance(check(signed(KEY), keys=keys), Visitor)
        assert isinstance(check(signed(OTHER_KEY), keys=keys), Visitor)
    assert check(signed(OTHER_KEY)) == LaunchFault.BAD_SIGNATURE


@pytest.mark.parametrize("app", ["7000002", "07000001", " 7000001", ""])
def test_launch_of_another_app_is_refused(app: str) -> None:
    """The app's number must be ours to the letter."""
    assert refused(signed(vk_app_id=app)) is LaunchFault.WRONG_APP


def test_without_an_app_number_everything_is_refused() -> None:
    """A window that does not know its app lets nobody in."""
    query = signed(vk_app_id="0")
    assert verify(query, keys=[KEY], app_id=0, now=NOW) == LaunchFault.NO_APP


# --- time ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", "nan", "1e9", "-1", " 1767225600", "1767225600\n", "١٧٦٧٢٢٥٦٠٠", "1" * 13, "1_7"]
)
def test_time_of_wrong_form_is_refused(text: str) -> None:
    """The time is one to twelve ASCII digits."""
    assert refused(signed(vk_ts=text)) is LaunchFault.BAD_TIMESTAMP


def test_launch_lives_for_its_age_and_no_longer() -> None:
    """The limit itself is still young enough; a second later is too old."""
    assert isinstance(check(MOBILE, now=TS + 86400), Visitor)
    assert refused(MOBILE, now=TS + 86401) is LaunchFault.TOO_OLD
    assert refused(MOBILE, now=TS + 3601, age=3600) is LaunchFault.TOO_OLD


def test_no_setting_lets_a_launch_live_longer_than_a_week() -> None:
    """Seven days are the end, whatever is configured."""
    assert isinstance(check(MOBILE, now=TS + AGE_SECONDS_CEILING, age=10**9), Visitor)
    assert refused(MOBILE, now=TS + AGE_SECONDS_CEILING + 1, age=10**9) is LaunchFault.TOO_OLD


def test_launch_may_be_five_minutes_ahead() -> None:
    """VK's clock may be five minutes ahead of ours and not a second more."""
    assert isinstance(check(MOBILE, now=TS - 300), Visitor)
    assert refused(MOBILE, now=TS - 301) is LaunchFault.FROM_THE_FUTURE


def test_forged_old_launch_is_not_called_old() -> None:
    """Only a genuine launch is told to be too old."""
    assert refused(MOBILE[:-1] + "h", now=TS + 10**6) is LaunchFault.BAD_SIGNATURE


# --- user ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", "0", "-5", "+5", " 5", "5\n", "1_000", "٢١", "007", "1.0", "9" * 19, str(2**63)]
)
def test_user_of_wrong_form_is_refused(text: str) -> None:
    """A user is ASCII digits without a leading zero and fits 63 bits."""
    assert refused(signed(vk_user_id=text)) is LaunchFault.BAD_USER


def test_greatest_user_number_is_accepted() -> None:
    """Numbers beyond 32 bits are people too."""
    found = check(signed(vk_user_id=str(2**63 - 1)))
    assert isinstance(found, Visitor)
    assert found.vk == 2**63 - 1


@pytest.mark.parametrize("changes", [{"vk_client": "ok"}, {"vk_platform": "mobile_web_ok"}])
def test_odnoklassniki_is_refused(changes: dict[str, str]) -> None:
    """What a user's number means there is unknown, so it opens nothing."""
    assert refused(signed(**changes)) is LaunchFault.ODNOKLASSNIKI


# --- bounds -------------------------------------------------------------------------------------


def test_query_of_four_kilobytes_is_read_and_a_longer_one_is_not() -> None:
    """4096 bytes are the most, counted as bytes and not as characters."""
    filler = MOBILE + "&q="
    assert isinstance(check(filler + "a" * (4096 - len(filler))), Visitor)
    assert refused(filler + "a" * (4097 - len(filler))) is LaunchFault.TOO_LONG
    assert refused(filler + "я" * 2000) is LaunchFault.TOO_LONG


def test_sixty_four_fields_are_read_and_more_are_not() -> None:
    """Foreign fields count as well, so that nobody makes us parse thousands."""
    own = MOBILE.count("&") + 1
    assert isinstance(check(MOBILE + "&a=1" * (64 - own)), Visitor)
    assert refused(MOBILE + "&a=1" * (65 - own)) is LaunchFault.TOO_MANY_FIELDS


@given(
    st.dictionaries(
        st.from_regex(r"vk_[a-z]{1,8}", fullmatch=True), st.text(max_size=20), max_size=5
    )
)
def test_what_is_signed_is_accepted_whatever_it_says(more: dict[str, str]) -> None:
    """Any further fields, in any script, survive signing and checking."""
    fields = {**more, **FIELDS}
    if fields.get("vk_client") == "ok" or len(sign(fields, KEY)) > 4096:
        return
    assert check(sign(fields, KEY)) == Visitor(100500, "ru")


def test_values_that_are_not_unicode_stay_apart() -> None:
    """Two different byte texts are never taken for one another."""
    query = sign({**FIELDS, "vk_ref": "\N{REPLACEMENT CHARACTER}"}, KEY)
    assert isinstance(check(query), Visitor)
    assert (
        refused(query.replace(quote("\N{REPLACEMENT CHARACTER}"), "%FF"))
        is LaunchFault.BAD_SIGNATURE
    )
