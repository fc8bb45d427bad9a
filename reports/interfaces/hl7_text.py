"""Writing HL7 v2: escaping, fields of components, segments."""

from collections.abc import Mapping

FIELD, COMPONENT, REPETITION, ESCAPE, SUBCOMPONENT = "|", "^", "~", "\\", "&"
ENCODING = f"{COMPONENT}{REPETITION}{ESCAPE}{SUBCOMPONENT}"
"""MSH-2."""

END = "\r"
"""Every segment ends with it."""

_ESCAPES = str.maketrans(
    {
        ESCAPE: "\\E\\",
        FIELD: "\\F\\",
        COMPONENT: "\\S\\",
        REPETITION: "\\R\\",
        SUBCOMPONENT: "\\T\\",
        "\r": "\\X0D\\",
        "\n": "\\X0A\\",
    }
)


def escaped(text: str) -> str:
    """Return a text with every sign escaped that HL7 v2 reads as a delimiter or an end of segment.

    Parameters
    ----------
    text : str
        The text.

    Returns
    -------
    str
        The text for one component.

    References
    ----------
    HL7 v2.5.1, chapter 2.7, use of escape sequences in text fields.

    Examples
    --------
    >>> escaped("a|b^c")
    'a\\\\F\\\\b\\\\S\\\\c'
    """
    return text.translate(_ESCAPES)


def formatted(text: str) -> str:
    """Return a text for a field of the type FT, with its line breaks as ``\\.br\\``.

    Parameters
    ----------
    text : str
        The text.

    Returns
    -------
    str
        The text for one component.
    """
    return "\\.br\\".join(escaped(line) for line in text.splitlines())


def components(*texts: str) -> str:
    """Return a field of components, escaped; empty ones at its end are left out."""
    return COMPONENT.join(escaped(text) for text in texts).rstrip(COMPONENT)


def segment(name: str, fields: Mapping[int, str]) -> str:
    """Return a segment.

    Parameters
    ----------
    name : str
        Its three letters; not MSH, whose first field is the delimiter itself.
    fields : mapping of int to str
        Fields by their number, escaped; the others are empty.

    Returns
    -------
    str
        The segment with its end.
    """
    last = max((number for number, text in fields.items() if text), default=0)
    return FIELD.join([name, *(fields.get(number, "") for number in range(1, last + 1))]) + END
