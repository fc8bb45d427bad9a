"""Texts from outside made fit for other systems."""

import unicodedata

_KEPT = "\t\n\r"


def fit(text: str) -> str:
    """Make a text from outside fit to be sent: nothing is lost but what no system may carry.

    Parameters
    ----------
    text : str
        The text.

    Returns
    -------
    str
        The text without white space at its ends; control characters other than tab and line breaks become
        spaces, what is no character becomes ``U+FFFD``.
    """
    return "".join(_sign(one) for one in text).strip()


def _sign(one: str) -> str:
    kind = unicodedata.category(one)
    if kind == "Cs" or ord(one) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(one) <= 0xFDEF:
        return "\ufffd"
    return " " if kind == "Cc" and one not in _KEPT else one
