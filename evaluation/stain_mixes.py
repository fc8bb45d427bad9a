"""How often the remark on mixed stains is made: on smears of one stain, and on mixes of two.

``python -m evaluation.stain_mixes --data DIR`` prints both as markdown tables. A smear is drawn from the
fields of one group, without replacement; a mix from two. The groups of ``deepbionet``, which holds many
stains and lamps, are runs of its numbers that look alike, chosen by eye.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cells.records import Field
from evaluation.command_line import add_data, command_parser, exit_code_of
from slides.calibration import calibrate
from slides.field_colour import mixed_stains
from slides.optics import white_point
from slides.quality import measure_quality
from slides.reader import read_image

Colours = Sequence[NDArray[np.float64]]
"""What `slides.field_colour.field_colour` gives of the fields of one group."""

RUNS = ((37, 150), (176, 324), (387, 451), (506, 579), (604, 781), (803, 973), (1454, 1522), (1581, 1736))
"""First and last number of each group of ``deepbionet``."""

SIZES = {"barcelona": (182, 180), "raabin": (288, 288)}
"""Rows and columns of the fields of ``txl_pbc`` that stand for a source; its others are those of ``bccd``."""

ALONE = (6, 10, 20, 40)
"""Fields of a smear of one group."""

TOGETHER = ((10, 10), (16, 4), (3, 3))
"""Fields of either group of a mix."""

DRAWS = 200
"""Smears drawn for each figure."""


def share_remarked(groups: Sequence[Colours], numbers: Sequence[int], *, draws: int, seed: int) -> float:
    """Return the share of drawn smears that get the remark.

    Parameters
    ----------
    groups : sequence of Colours
        The groups that a smear is drawn from.
    numbers : sequence of int
        How many fields of each.
    draws : int
        Number of smears.
    seed : int
        Seed.

    Returns
    -------
    float
        0 to 1; nan where a group has too few fields.
    """
    if any(len(group) < number for group, number in zip(groups, numbers, strict=True)):
        return float("nan")
    rng = np.random.default_rng(seed)
    remarked = 0
    for _ in range(draws):
        drawn = [
            group[place]
            for group, number in zip(groups, numbers, strict=True)
            for place in rng.choice(len(group), number, replace=False)
        ]
        remarked += bool(mixed_stains({str(place): colour for place, colour in enumerate(drawn)}))
    return remarked / draws


def group_paths(data: Path) -> dict[str, list[Path]]:
    """Return the fields of each group.

    Parameters
    ----------
    data : Path
        Folder of the published images.

    Returns
    -------
    dict of str to list of Path
        In the order of the names, those of ``deepbionet`` by number.
    """
    numbered = {
        int(path.stem): path for path in (data / "deepbionet" / "Images").iterdir() if path.stem.isdigit()
    }
    groups = {"bccd": sorted((data / "bccd" / "JPEGImages").iterdir())}
    sizes = {
        path: read_image(path).shape[:2] for path in sorted((data / "txl_pbc" / "images").rglob("*.jpg"))
    }
    groups |= {name: [path for path in sizes if sizes[path] == size] for name, size in SIZES.items()}
    for first, last in RUNS:
        groups[f"deepbionet {first}–{last}"] = [numbered[n] for n in sorted(numbered) if first <= n <= last]
    return groups


def read_colours(paths: Sequence[Path]) -> Colours:
    """Measure the colour of the fields of one group.

    Parameters
    ----------
    paths : sequence of Path
        The fields; of one magnification.

    Returns
    -------
    Colours
        Of those that show enough erythrocytes.
    """
    images = [read_image(path) for path in paths]
    fields = [Field(path.name, image, white_point(image)) for path, image in zip(paths, images, strict=True)]
    diameter = calibrate(fields).erythrocyte_px
    found = (measure_quality(field, diameter).colour for field in fields)
    return [colour for colour in found if colour is not None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both tables.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line; that of the process by default.

    Returns
    -------
    int
        Exit code.
    """
    parser = command_parser("stain_mixes", __doc__)
    add_data(parser)
    return exit_code_of(_print_tables, parser.parse_args(arguments))


def _print_tables(options: argparse.Namespace) -> None:
    groups = {name: read_colours(paths) for name, paths in group_paths(options.data).items()}
    lines = _table(("group", "fields", *(f"{n} fields" for n in ALONE)))
    for name, colours in groups.items():
        shares = [share_remarked([colours], [n], draws=DRAWS, seed=0) for n in ALONE]
        lines.append(_row((name, str(len(colours)), *map(_percent, shares))))
    lines += ["", *_table(("mix", *(f"{one} + {other}" for one, other in TOGETHER)))]
    lines += [_row((name, *shares)) for name, shares in _mixes(groups)]
    sys.stdout.write("\n".join(lines) + "\n")


def _mixes(groups: Mapping[str, Colours]) -> list[tuple[str, list[str]]]:
    return [
        (
            f"{one}, {other}",
            [
                _percent(share_remarked([groups[one], groups[other]], pair, draws=DRAWS, seed=0))
                for pair in TOGETHER
            ],
        )
        for one, other in combinations(groups, 2)
    ]


def _percent(share: float) -> str:
    return "–" if np.isnan(share) else f"{100 * share:.1f}"


def _table(head: Sequence[str]) -> list[str]:
    return [_row(head), "|" + "---|" * len(head)]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
