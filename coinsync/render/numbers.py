"""How numbers, days and spans of time are written for people."""

from datetime import date, timedelta

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def signed(coins: int) -> str:
    """Coins with their sign and a space between thousands: "+1 250", "-10"."""
    return f"{coins:+,}".replace(",", " ")


def total(amount: int) -> str:
    """A balance, without a plus: "1 250"."""
    return f"{amount:,}".replace(",", " ")


def balance(coins: int) -> str:
    """What a resident has: nobody has less than nothing, "0 (4 to be made up)"."""
    return total(coins) if coins >= 0 else f"0 ({total(-coins)} to be made up)"


def day(value: date) -> str:
    """A day with its weekday: "2026-11-19 Thu"."""
    return f"{value.isoformat()} {WEEKDAYS[value.weekday()]}"


def age(span: timedelta) -> str:
    """How long, in the largest units: "26 h 5 min", "3 d 2 h"."""
    minutes = max(0, int(span.total_seconds())) // 60
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min"


def titled(number: int, name: str) -> str:
    """A resident's number with the name, if there is one: "#207 Ада М."."""
    return f"#{number} {name}".rstrip()
