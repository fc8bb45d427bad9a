"""Training targets: which of the classifier's answers a source's label allows."""

import numpy as np
from numpy.typing import NDArray

from cells.vocabulary import CLASSIFIED, CellClass


def allowed_answers(label: CellClass) -> NDArray[np.float32]:
    """Return which of the classified classes agree with a label, as 0 or 1.

    A pooled label (``neutrophil``) allows each of its children; a finer label than the classifier knows
    (``myelocyte``) allows its parent. Nothing is split that the source did not split.

    Parameters
    ----------
    label : CellClass
        Label of the source.

    Returns
    -------
    ndarray of shape (len(CLASSIFIED),), float32
        All 0 where the classifier has no answer for the label.
    """
    family = {label, *label.children}
    if label.parent is not None and label not in CLASSIFIED:
        family.add(label.parent)
    return np.array([c in family for c in CLASSIFIED], np.float32)
