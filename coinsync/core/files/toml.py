"""What is wrong with a TOML file, for somebody who does not know what TOML is."""

from __future__ import annotations

import re

#: How it is rightly written, by what the wrong line or the parser's message looks like.
_RIGHT = {
    r"= *\d+[./-]\d+[./-]\d+": "write a day as 2026-09-01, without quotes",
    r"= *[^\s\d\"'\[{+-]": 'write a text in straight quotes ("), yes and no as true and false',
    r"Illegal character '\\n'": "a quote is missing",
    r'"[^"]*\\': "write / in the place of \\",
}


def toml_problem(text: str, error: Exception) -> str:
    """What the parser says, and how the line that it names is rightly written."""
    problem = f"not valid TOML: {error}"
    place = re.search(r"at line (\d+)", problem)
    if place:
        looks = text.split("\n")[int(place[1]) - 1] + "\n" + problem
        for wrong, right in _RIGHT.items():
            if re.search(wrong, looks):
                return f"{problem}; {right}"
    return problem
