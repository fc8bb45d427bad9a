"""Hard negatives from outside: false finds of an evaluation that the training is told to learn from."""

import csv
import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError
from detector.channels import picture_of
from detector.samples import TrainingField, read_image
from detector.scan import FEATURES, window_features
from detector.truth import Box
from detector.variations import Jitter, draw
from detector.working_scale import BLOCKS_PER_ERYTHROCYTE

_COLUMNS = ("path", "row", "col", "erythrocyte_px", "white_r", "white_g", "white_b")
_PLACE = "not_a_leukocyte"
_MOST_SIDE = 100_000.0


def read_extra_negatives(manifest: Path) -> list[TrainingField]:
    """Read the hard negatives that ``leukoformula evaluate detector`` exports.

    Parameters
    ----------
    manifest : Path
        ``hard_negatives.csv``, with the columns path (picture, relative to the file's folder), row and col
        (centre of the false find in the picture, px), erythrocyte_px, white_r, white_g, white_b (colour of
        the empty slide); other columns are passed over.

    Returns
    -------
    list of TrainingField
        One for each row; its one box marks what is no leukocyte, its name holds a hash of its content.

    Raises
    ------
    DataError
        Where the file or a picture cannot be read, a column is missing, a number is out of range, or a path
        leads out of the folder.
    """
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        return [_field(row, manifest, number) for number, row in enumerate(rows, 2)]
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise DataError(
            f"{manifest}: no readable list of hard negatives ({error}); export it again"
        ) from error


def _field(row: dict[str, str], manifest: Path, number: int) -> TrainingField:
    where = f"{manifest} line {number}"
    row_px, col_px, px, *white = (float(row[key]) for key in _COLUMNS[1:])
    path = (manifest.parent / row["path"]).resolve()
    if not path.is_relative_to(manifest.parent.resolve()):
        raise DataError(f"{where}: the picture lies outside the folder; export it again")
    image = read_image(path)
    sound = 0 < px < _MOST_SIDE and all(0 < value <= 255 for value in white)
    height, width = image.shape[:2]
    inside = 0 <= row_px <= height - 1 and 0 <= col_px <= width - 1
    if not (sound and inside and math.isfinite(row_px + col_px)):
        raise DataError(f"{where}: a number is out of range; export it again")
    half = 0.5 * px
    x, y = col_px + 0.5, row_px + 0.5
    box = Box(x - half, y - half, x + half, y + half, _PLACE)
    numbers = np.array([row_px, col_px, px, *white])
    digest = hashlib.sha256(image.tobytes() + numbers.tobytes()).hexdigest()
    return TrainingField(f"{row['path']} {digest}", image, np.array(white), px, (box,), (), ())


def extra_windows(
    negatives: Sequence[TrainingField], *, seed: int, variants: int, shift: float, jitter: Jitter
) -> NDArray[np.int16]:
    """Draw variations of hard negatives and take the windows on them.

    Parameters
    ----------
    negatives : sequence of TrainingField
        What `read_extra_negatives` returned.
    seed : int
        Seed of the variations; a stream of its own, so that the rest of a training stays as it is.
    variants : int
        Variations of each; the first is the picture as it is.
    shift : float
        Windows are moved by up to this, in erythrocyte diameters.
    jitter : Jitter
        How far to vary.

    Returns
    -------
    ndarray of shape (N, FEATURES), int16
        The windows; none where there are no negatives.
    """
    rng = np.random.default_rng((seed, len(negatives)))
    reach = shift * BLOCKS_PER_ERYTHROCYTE
    found = [np.zeros((0, FEATURES), np.int16)]
    for variant in range(variants):
        for source in negatives:
            drawn = draw(source, rng, jitter=jitter if variant else None)
            if not len(drawn.centres):
                continue
            picture = picture_of(drawn.densities)
            moved = drawn.centres + rng.uniform(-reach, reach, drawn.centres.shape)
            limit = np.array(picture.positions) - 1
            found.append(window_features(picture, np.clip(np.rint(moved), 0, limit).astype(np.intp)))
    return np.concatenate(found)
