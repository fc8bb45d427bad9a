"""The card of a classifier: what it is, what it was trained on, and how it did on crops held out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cells.files import atomic_path

_CARD = """# {title}

{method}

It answers {classes}. Decision support, not a certified medical device.

## Training images

{sources}

`pbc_barcelona`: Acevedo et al. 2020, doi 10.1016/j.dib.2020.105474, CC BY 4.0. `raabin_wbc`: Kouzehkanan
et al. 2022, doi 10.1038/s41598-021-04426-x. `bcisc`: Apache-2.0. `synthetic` cells are drawn by this
project. `artefacts` are crops at the false finds of a first detector, and boxed platelets, on `txl_pbc`
(Gan & Li 2024, arXiv 2407.13214, MIT licence) without the images of `bccd`. Labels that only say
"neutrophil" train the sum of band and segmented.

## Probabilities

Divided by a temperature of {temperature:.2f} fitted on crops held out, then weighed by the mix of
normal blood to the power {strength}.

## On training-split crops that were held out

{metrics}

Figures on sets that it has not seen: `docs/classifiers.md`, by `python -m evaluation.classifiers`.
"""


def write_card(path: Path, *, title: str, method: str, details: Mapping[str, Any]) -> None:
    """Write the card of a classifier.

    Parameters
    ----------
    path : Path
        The Markdown file.
    title, method : str
        Name of the model, and a paragraph on what it is.
    details : mapping of str to object
        What its manifest holds: ``classes``, ``training``, ``temperature``, ``settings`` and ``metrics``.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    text = _CARD.format(
        title=title,
        method=method,
        classes=", ".join(details["classes"]),
        sources="\n".join(f"- {name}: {count}" for name, count in details["training"].items()),
        temperature=details["temperature"],
        strength=details["settings"]["prior_strength"],
        metrics="\n".join(f"- {name}: {value:.4f}" for name, value in details["metrics"].items()),
    )
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
