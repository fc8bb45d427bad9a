"""The formula of a whole smear beside a count that is known.

Run as ``python -m evaluation.differential result.json --labels labels.csv`` after
``leukoformula report FOLDER --out DIR``; ``labels.csv`` has the columns Image (a number in the image's name)
and Category (names of leukocytes, separated by commas), as published with ``bccd``, or a line for each cell
with the columns image (the image's name) and label, as ``readings/bccd.csv``.
"""

import argparse
import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cells.errors import DataError
from cells.vocabulary import NORMAL_FIVE, CellClass, clinical_order, pooled
from counting.intervals import clopper_pearson
from evaluation.command_line import command_parser, exit_code_of

_WORDS = (
    (1.0, "equal to within a percent point"),
    (3.0, "close"),
    (6.0, "apart"),
    (100.0, "far apart"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One class in both counts.

    Parameters
    ----------
    label : CellClass
        The class.
    known, found : int
        Cells in the known count and in the formula.
    known_percent, found_percent : float
        Their shares, in percent.
    low, high : float
        Exact 95 % interval of the share found, in percent.
    """

    label: CellClass
    known: int
    found: int
    known_percent: float
    found_percent: float
    low: float
    high: float

    @property
    def words(self) -> str:
        """The distance in words, and whether the interval holds the known share."""
        distance = abs(self.found_percent - self.known_percent)
        word = next(text for limit, text in _WORDS if distance <= limit)
        inside = self.low <= self.known_percent <= self.high
        side = (
            ""
            if inside
            else (", too many found" if self.found_percent > self.known_percent else ", too few found")
        )
        return f"{word} ({distance:.1f} points), the interval {'holds' if inside else 'misses'} it{side}"


def known_labels(path: Path) -> dict[int, list[CellClass]]:
    """Read the leukocytes named for each image.

    Parameters
    ----------
    path : Path
        CSV file with the columns Image and Category, or image and label.

    Returns
    -------
    dict of int to list of CellClass
        Classes by number of the image; images without a category and cells without a label are left out.

    Raises
    ------
    DataError
        Where the file cannot be read or names an unknown class.
    """
    labels: dict[int, list[CellClass]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            for row in csv.DictReader(handle):
                read = "label" in row
                image = _number(row["image"]) if read else int(row["Image"])
                given = row["label" if read else "Category"] or ""
                names = [name.strip().lower() for name in given.split(",") if name.strip()]
                if names:
                    labels.setdefault(image, []).extend(CellClass(name) for name in names)
    except (OSError, KeyError, ValueError) as error:
        raise DataError(
            f"cannot read the labels {path}: {error};"
            " it needs the columns Image and Category, or image and label"
        ) from error
    return labels


def compare_counts(known: Counter[CellClass], found: Counter[CellClass]) -> list[Row]:
    """Hold two counts against each other, class by class.

    Parameters
    ----------
    known, found : Counter of CellClass
        Cells by class; each total is its own denominator.

    Returns
    -------
    list of Row
        In clinical order.
    """
    total_known, total_found = max(known.total(), 1), max(found.total(), 1)
    rows = []
    for label in clinical_order({*NORMAL_FIVE, *known, *found}):
        interval = clopper_pearson(found[label], total_found)
        low, high = interval.low, interval.high
        share_known, share_found = 100.0 * known[label] / total_known, 100.0 * found[label] / total_found
        rows.append(
            Row(label, known[label], found[label], share_known, share_found, 100.0 * low, 100.0 * high)
        )
    return rows


def _found(document: dict[str, Any], images: Collection[int] | None) -> Counter[CellClass]:
    counts: Counter[CellClass] = Counter()
    for cell in document["cells"]:
        label = CellClass(cell["label"])
        inside = images is None or _number(cell["image"]) in images
        if cell["counted"] and label.in_denominator and inside:
            counts[pooled(label, NORMAL_FIVE) or label] += 1
    return counts


def _number(name: str) -> int:
    digits = re.findall(r"\d+", name)
    return int(digits[-1]) if digits else -1


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield "| class | known n | known % | found n | found % | 95 % interval | distance |"
    yield "|---|--:|--:|--:|--:|--:|---|"
    for row in rows:
        yield (
            f"| {row.label.display('en')} | {row.known} | {row.known_percent:.1f} | {row.found} |"
            f" {row.found_percent:.1f} | {row.low:.1f}–{row.high:.1f} | {row.words} |"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both formulas as a Markdown table; return the exit code."""
    parser = command_parser("differential", __doc__.split("\n")[0])
    parser.add_argument("result", type=Path, help="result.json of a report")
    parser.add_argument(
        "--labels",
        type=Path,
        required=True,
        help="CSV with the columns Image and Category, or image and label",
    )
    return exit_code_of(_compare, parser.parse_args(arguments))


def _compare(options: argparse.Namespace) -> None:
    labels = known_labels(options.labels)
    try:
        document = json.loads(options.result.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(str(error)) from error
    read = {_number(field["name"]) for field in document["fields"]}
    known = Counter(
        pooled(label, NORMAL_FIVE) or label
        for image in sorted(read & set(labels))
        for label in labels[image]
        if label.in_denominator
    )
    for title, images in (("every field", None), ("fields with a published category", set(labels))):
        found = _found(document, images)
        sys.stdout.write(f"{title}: {known.total()} known, {found.total()} found\n\n")
        sys.stdout.write("\n".join(_table(compare_counts(known, found))) + "\n\n")


if __name__ == "__main__":
    sys.exit(main())
