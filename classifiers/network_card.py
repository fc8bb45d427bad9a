"""The card of a trained network of the literature."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cells.files import atomic_path

_CARD = """# {name}

{sources}

Answers {classes}. Input {height} × {width} px, {takes}. Trained from weights: {weights}. Made to hold
published networks against each other on the same images; decision support at most, not a certified medical
device.

| | |
|---|--:|
| split | {split} |
| training images | {training_images} |
| test images | {images} |
| originals or patients on both sides | {groups_on_both_sides} |
| parameters | {parameters:,} |
| accuracy | {accuracy:.4f} |
| balanced accuracy | {balanced_accuracy:.4f} |
| mean precision, recall, F1 | {precision:.4f}, {recall:.4f}, {f1:.4f} |
| training time, s | {training_seconds} |
| time an image (Keras), ms | {test_ms_per_image} |
| largest difference to LiteRT, probability | {litert_largest_difference:.2e} |

| class | test images | precision | recall | F1 |
|---|--:|--:|--:|--:|
{by_class}

Settings: {recipes}
"""


def write_network_card(path: Path, *, name: str, details: Mapping[str, Any]) -> None:
    """Write the card.

    Parameters
    ----------
    path : Path
        The Markdown file.
    name : str
        Name of the network or ensemble.
    details : mapping of str to object
        What its manifest holds, ``metrics`` included.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    metrics = details["metrics"]
    by_class = "\n".join(
        f"| {label} | {line['images']} | {line['precision']:.4f} | {line['recall']:.4f} | {line['f1']:.4f} |"
        for label, line in metrics["classes"].items()
    )
    height, width = details["input"]
    text = _CARD.format(
        **{key: value for key, value in metrics.items() if key not in {"classes", "confusion", "members"}},
        name=name,
        sources="\n\n".join(details["sources"]),
        classes=", ".join(details["classes"]),
        height=height,
        width=width,
        takes=details["takes"].replace("_", " "),
        weights=details["weights"],
        by_class=by_class,
        recipes="; ".join(str(recipe) for recipe in details["recipes"]),
    )
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
