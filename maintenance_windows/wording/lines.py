"""The door through which texts of people pass on their way to a terminal or a log."""

import unicodedata

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"  # emoji and many scripts need them
LINE_ENDS = {"Zl", "Zp"}
# Escape codes start with a control character, and C1 controls are single-byte codes. Format
# characters can reverse the direction of the text that follows.
UNSAFE = {"Cc", "Cf", "Cs"}


def printable(text: str) -> str:
    """Return the text on one line, without characters that control a terminal."""
    return "".join(map(_printable, text))


def _printable(character: str) -> str:
    category = unicodedata.category(character)
    if category in LINE_ENDS or (category == "Cc" and character.isspace()):
        return " "
    return REPLACEMENT if category in UNSAFE and character not in JOINERS else character
