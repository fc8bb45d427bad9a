"""The colours of the reports: told apart by the colour-blind and in greyscale (after Okabe and Ito).

References
----------
M. Okabe, K. Ito, "Color Universal Design", 2008, https://jfly.uni-koeln.de/color/. Differs: the vermilion
is darkened so that text in it keeps a contrast of 4.5 : 1 on white.
"""

from collections.abc import Mapping
from types import MappingProxyType

PALETTE: Mapping[str, str] = MappingProxyType(
    {
        "ink": "#17222d",
        "muted": "#5a6773",
        "rule": "#c5ced6",
        "band": "#d9e2ea",
        "panel": "#f3f6f8",
        "accent": "#123f5c",
        "high": "#b84300",
        "low": "#00639c",
        "mark": "#17222d",
        "paper": "#ffffff",
    }
)
"""Colour of each role, as ``#rrggbb``."""
