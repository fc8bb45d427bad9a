"""Training of the window scanner, from data to the model folder."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.boosting import calibrate_gate
from detector.cascade import GATE_TOTAL, Cascade
from detector.channels import channel_picture
from detector.extra_negatives import read_extra_negatives
from detector.held_out import HeldOut, held_out, score_held_out
from detector.measure import fit_diameters, ring_profiles
from detector.model_folder import write_model_folder
from detector.rounds import boost
from detector.samples import TrainingField, read_txl_fields
from detector.training_settings import TrainingSettings
from detector.working_scale import plain_rows

log = logging.getLogger(__name__)

_HELD_OUT_VARIANTS = 6
_WHOLE_MARGIN = 2.0


def fit_sizes(training: Sequence[TrainingField]) -> NDArray[np.float64]:
    """Fit the coefficients of the diameter estimate on the boxes of whole leukocytes.

    Parameters
    ----------
    training : sequence of TrainingField
        Fields with audited boxes.

    Returns
    -------
    ndarray of shape (RINGS + 1,), float64
        See `detector.measure.fit_diameters`.
    """
    profiles: list[NDArray[np.float64]] = []
    sizes: list[float] = []
    for source in training:
        height, width = source.image.shape[:2]
        whole = [
            box
            for box in source.leukocytes
            if min(box.x0, box.y0, width - box.x1, height - box.y1) > _WHOLE_MARGIN
        ]
        picture = channel_picture(
            source.image, source.white, erythrocyte_px=source.erythrocyte_px, read=plain_rows
        )
        steps = np.array([picture.row_step, picture.col_step])
        centres = (np.array([box.centre for box in whole]).reshape(-1, 2) + 0.5) / steps
        profiles.append(ring_profiles(picture, centres))
        sizes.extend(box.size / source.erythrocyte_px for box in whole)
    return fit_diameters(np.concatenate(profiles), np.array(sizes))


def _learn(
    kept: Sequence[TrainingField],
    apart: Sequence[TrainingField],
    settings: TrainingSettings,
    *,
    extra: Sequence[TrainingField],
    work: Path,
    progress: Callable[[str], None],
) -> tuple[Cascade, HeldOut]:
    """Boost a classifier and choose its threshold and its gate; sizes are not yet fitted."""
    cascade, positives = boost(kept, settings=settings, extra=extra, progress=progress, work=work)
    varied = score_held_out(cascade, apart, settings=settings, varied=_HELD_OUT_VARIANTS)
    threshold = varied.best_threshold(false_weight=settings.false_weight)
    progress(f"threshold {threshold:.2f} from {len(varied.found)} leukocytes of varied held-out fields")
    limits = {"loss": settings.gate_loss, "margin": settings.gate_margin}
    cascade = calibrate_gate(cascade, positives, floor=threshold, **limits)
    progress(f"gate: bound {cascade.gate.bound} of {GATE_TOTAL}")
    return replace(cascade, threshold=threshold), varied


def train(
    settings: TrainingSettings,
    data: Path,
    out: Path,
    *,
    corrections: Path,
    hard_negatives: Path | None = None,
    progress: Callable[[str], None] = log.info,
) -> Cascade:
    """Train the detector from data to the model folder.

    Parameters
    ----------
    settings : TrainingSettings
        The settings.
    data : Path
        Folder of the published images, with ``txl_pbc``.
    out : Path
        Model folder; ``detector.npz``, ``clusters.npz``, ``manifest.json`` and ``card.md`` are written to it,
        and finished rounds to its folder ``work``, from which an interrupted training goes on.
    corrections : Path
        Audit list of the training boxes.
    hard_negatives : Path, optional
        ``hard_negatives.csv`` of an evaluation, to be learned from as well.
    progress : callable, optional
        Receives a line after every step.

    Returns
    -------
    Cascade
        What was stored as ``detector.npz``. The same settings, data and library versions give the same bytes.

    Raises
    ------
    DataError
        Where the data are missing or unreadable.
    """
    known = read_txl_fields(data / "txl_pbc", corrections=corrections)
    kept = [item for item in known if not held_out(item.name, share=settings.held_out)]
    apart = [item for item in known if held_out(item.name, share=settings.held_out)]
    progress(f"{len(kept)} fields to train on, {len(apart)} held out")
    extra = read_extra_negatives(hard_negatives) if hard_negatives is not None else []
    learn = partial(_learn, kept, apart, extra=extra, progress=progress)
    cascade, varied = learn(settings, work=out / "work")
    cascade = replace(cascade, diameter=fit_sizes(kept))
    progress("the classifier that looks at clusters")
    clusters, close = learn(settings.for_clusters(), work=out / "work" / "clusters")
    clusters = replace(clusters, diameter=cascade.diameter)
    plain = score_held_out(cascade, apart, settings=settings, varied=0)
    metrics = {
        "held_out_leukocytes": len(plain.found),
        "held_out_missed": int((plain.found < cascade.threshold).sum()),
        "held_out_false": int((plain.false >= cascade.threshold).sum()),
        "varied_leukocytes": len(varied.found),
        "varied_missed": int((varied.found < cascade.threshold).sum()),
        "varied_false": int((varied.false >= cascade.threshold).sum()),
        "clusters_leukocytes": len(close.found),
        "clusters_missed": int((close.found < clusters.threshold).sum()),
        "clusters_false": int((close.false >= clusters.threshold).sum()),
    }
    write_model_folder(out, cascade, clusters, settings=settings, metrics=metrics, fields_=len(kept))
    progress(f"stored {out}: {metrics}")
    return cascade
