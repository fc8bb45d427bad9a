"""One find per cell: the windows that the scan accepts, reduced by their distances."""

import numpy as np
from numpy.typing import NDArray

from detector.cascade import Cascade
from detector.channels import ChannelPicture
from detector.measure import refine_centres
from detector.scan import scan
from detector.suppression import suppress
from detector.working_scale import BLOCKS_PER_ERYTHROCYTE

SPACING = 1.05
"""Least distance of two finds in erythrocyte diameters: leukocytes that touch stay two though the diameter is
told 15 % too large."""

_REFINE_RADIUS = 0.8
_REFINE_DEPTH = 0.1


def find_centres(
    cascade: Cascade,
    picture: ChannelPicture,
    *,
    threshold: float,
    floor: float | None = None,
    spacing: float = SPACING,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scan a channel picture and reduce the accepted windows to one find per cell.

    Parameters
    ----------
    cascade : Cascade
        The strong classifier.
    picture : ChannelPicture
        The field.
    threshold : float
        Least score of a find.
    floor : float, optional
        Least score of what is returned, near misses among it; None takes the threshold. What scores above the
        threshold does not depend on it.
    spacing : float, optional
        Least distance of two finds in erythrocyte diameters, above 0.

    Returns
    -------
    points : ndarray of shape (K, 2), float64
        Row and column of the finds in map positions from the top left corner of the field.
    scores : ndarray of shape (K,), float64
        Their scores; both ordered by (-score, row, column).
    """
    scores = scan(cascade, picture)
    places = np.stack(np.nonzero(scores >= (threshold if floor is None else floor)), axis=1)
    values = scores[places[:, 0], places[:, 1]]
    apart = spacing * BLOCKS_PER_ERYTHROCYTE
    peaks = suppress(places.astype(np.float64), values, spacing=apart)
    radius = _REFINE_RADIUS * BLOCKS_PER_ERYTHROCYTE
    points = refine_centres(scores, places[peaks], threshold=threshold - _REFINE_DEPTH, radius=radius)
    kept = suppress(points, values[peaks], spacing=apart)
    return points[kept], values[peaks][kept]
