"""The folder of a trained detector: arrays, card and manifest."""

from dataclasses import asdict
from pathlib import Path

from cells.files import atomic_path
from cells.model_files import write_manifest
from cells.units import WINDOW_UM
from detector.cascade import Cascade
from detector.resume import library_versions
from detector.storage import CLUSTERS, DETECTOR, save_cascade
from detector.training_settings import TrainingSettings


def write_model_folder(
    out: Path,
    cascade: Cascade,
    clusters: Cascade,
    *,
    settings: TrainingSettings,
    metrics: dict[str, int],
    fields_: int,
) -> None:
    """Write ``detector.npz``, ``clusters.npz``, ``card.md`` and ``manifest.json`` of a trained detector.

    Parameters
    ----------
    out : Path
        Model folder.
    cascade : Cascade
        The strong classifier.
    clusters : Cascade
        The one that looks at clusters.
    settings : TrainingSettings
        What it was trained with.
    metrics : dict of str to int
        Counts on held-out fields.
    fields_ : int
        Number of fields trained on.
    """
    save_cascade(cascade, out / DETECTOR)
    save_cascade(clusters, out / CLUSTERS)
    card = _CARD.format(trees=len(cascade), fields=fields_, threshold=cascade.threshold, **metrics)
    with atomic_path(out / "card.md") as temporary:
        temporary.write_text(card, encoding="utf-8")
    details = {
        "threshold": cascade.threshold,
        "clusters_threshold": clusters.threshold,
        "window_um": float(WINDOW_UM),
        "training_data": _TRAINING_DATA,
        "training_fields": fields_,
        "settings": asdict(settings),
        "metrics": metrics,
        "libraries": library_versions(),
    }
    files = (DETECTOR, CLUSTERS, "card.md")
    write_manifest(out, name="detector", kind="detector", version="2", files=files, details=details)


_TRAINING_DATA = (
    "txl_pbc, split train, without the images of bccd (Gan & Li 2024, arXiv 2407.13214, MIT licence),"
    " boxes corrected by evaluation/audits/txl_train.csv"
)

_CARD = """# Detector

Finds leukocytes in a microscope field: a window of 21 µm scans the field, AdaBoost over {trees} trees of
depth two decides, repeated finds are removed by distance. `docs/detector.md` describes the method and gives
figures on other laboratories.

- **Input**: RGB field of a stained blood smear, colour of the empty slide, erythrocyte diameter in pixels.
- **Output**: centre, diameter and score of each leukocyte; finds score at least {threshold:.2f}.
- **Trained on**: {fields} fields of `txl_pbc` (train), without the images that come from `bccd`.
- **Held-out fields of the same set**: {held_out_missed} of {held_out_leukocytes} leukocytes missed,
  {held_out_false} false finds.
- **The same, restained, rescaled, cut and blurred at random**: {varied_missed} of {varied_leukocytes} missed,
  {varied_false} false finds. The threshold was chosen on these.
- **With leukocytes of other fields laid against theirs**: {clusters_missed} of {clusters_leukocytes} missed,
  {clusters_false} false finds by a second classifier of as many trees, which is asked only beside a find.
- **Not for**: unstained or fluorescent images, bone marrow, sections; diagnosis without a person's review.
- **Known limits**: erythroblasts and smudge cells are found as well and are left to the classifier; densely
  overlapping erythrocytes in dark stains give the most false finds.
"""
