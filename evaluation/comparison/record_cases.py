"""The cells on which classifiers disagree, in the record of a comparison, and where their maps lie."""

from pathlib import PurePosixPath
from typing import Any

from evaluation.comparison.compare import Comparison

_IN_FILES = str.maketrans(" -", "__")


def saliency_files(comparison: Comparison, place: int) -> tuple[PurePosixPath, ...]:
    """Return where the saliency maps of a cell lie, without the ending ``.png`` or ``.npz``.

    Parameters
    ----------
    comparison : Comparison
        The comparison.
    place : int
        Place of the cell among ``comparison.cases``.

    Returns
    -------
    tuple of PurePosixPath
        Below the folder of the comparison, one for each of the cell's maps.
    """
    number = {system.name: k for k, system in enumerate(comparison.systems, 1)}
    return tuple(
        PurePosixPath(
            "saliency", f"cell_{place + 1:02d}_{number[name]}_{one.method.lower().translate(_IN_FILES)}"
        )
        for name, _, one in comparison.cases[place].saliency
    )


def case_record(comparison: Comparison, place: int) -> dict[str, Any]:
    """Return a cell on which the classifiers disagree as JSON values.

    Parameters
    ----------
    comparison : Comparison
        The comparison.
    place : int
        Place of the cell among ``comparison.cases``.

    Returns
    -------
    dict
        Set, path, truth, answers with their explanations, and the files of the saliency maps.
    """
    case = comparison.cases[place]
    files_ = saliency_files(comparison, place)
    return {
        "set": case.cells,
        "path": case.path,
        "truth": str(case.truth),
        "answers": dict(case.answers),
        "saliency": [
            {
                "system": name,
                "answer": str(label),
                "method": one.method,
                "picture": f"{file}.png",
                "map": f"{file}.npz",
            }
            for file, (name, label, one) in zip(files_, case.saliency, strict=True)
        ],
    }
