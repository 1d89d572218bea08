"""What is wrong with a TOML file, for people who do not know TOML."""

import re

#: The right way, by what the wrong line or the message looks like.
_RIGHT = {
    r"= *\d+[./-]\d+[./-]\d+": "write a day as 2026-09-01, without quotes",
    r"= *[^\s\d\"'\[{+-]": 'write a text in straight quotes ("), yes and no as true and false',
    r"Illegal character '\\n'": "a quote is missing",
}


def toml_problem(text: str, error: Exception) -> str:
    """What the parser says, and how the line that it names is rightly written."""
    problem = f"not valid TOML: {error}"
    place = re.search(r"at line (\d+)", problem)
    line = text.split("\n")[int(place[1]) - 1] if place else ""
    for wrong, right in _RIGHT.items():
        if re.search(wrong, f"{line}\n{problem}"):
            return f"{problem}; {right}"
    return problem
