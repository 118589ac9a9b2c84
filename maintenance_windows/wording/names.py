"""Names in two parts: a narrow page cuts them between the two, and never at their end."""

TAIL = 11  # letters that stay


def in_two(name: str) -> tuple[str, str]:
    """The part that may be cut and the one that stays, which is empty if the name is short."""
    return (name[:-TAIL], name[-TAIL:]) if len(name) > 2 * TAIL else (name, "")
