"""Training of the window scanner: boosting with rounds of hard negatives, thresholds, the model folder."""

import logging
import platform
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.ensemble import AdaBoostClassifier
from sklearn.tree import DecisionTreeClassifier

from cells.errors import DataError
from cells.files import atomic_path
from cells.model_files import write_manifest
from cells.units import WINDOW_UM
from detector.cascade import GATE_TOTAL, Cascade, Gate, Trees, gate_scores, partial_scores
from detector.centres import find_centres
from detector.channels import BLOCKS_PER_ERYTHROCYTE, channel_picture, picture_of, plain_rows
from detector.extra_negatives import extra_windows, read_extra_negatives
from detector.measure import RINGS, fit_diameters, ring_profiles
from detector.resume import Stages, training_key
from detector.samples import (
    Drawn,
    Jitter,
    TrainingField,
    draw,
    draw_overlay,
    held_out,
    read_txl_fields,
)
from detector.scan import FEATURES, scan, window_features
from detector.storage import save_cascade
from detector.suppression import suppress

log = logging.getLogger(__name__)

Windows = NDArray[np.int16]

_LEAST_THRESHOLD = -0.1
_HELD_OUT_VARIANTS = 6
_OWN = 0.8
_CHUNK = 2000
_MINING_LOSS = 0.01
_WHOLE_MARGIN = 2.0


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Settings of a training; ``settings.toml`` says what each is for."""

    seed: int
    held_out: float
    variants: int
    hard_variants: int
    random_negatives: int
    hard_negatives: int
    hard_floor: float
    overlays: float
    clear: float
    shift: float
    trees: tuple[int, ...]
    depth: int
    features_per_split: int
    mining_trees: int
    mining_features: int
    gate_trees: int
    gate_features: int
    gate_negatives: int
    gate_loss: float
    gate_margin: float
    false_weight: float
    jitter: Jitter = field(default_factory=Jitter)


def read_settings(path: Path) -> TrainingSettings:
    """Read the settings of a training.

    Parameters
    ----------
    path : Path
        TOML file with every field of `TrainingSettings`.

    Returns
    -------
    TrainingSettings
        The settings.

    Raises
    ------
    DataError
        Where the file is missing, no TOML, or a setting is missing or unknown.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        table["jitter"] = Jitter(**table["jitter"])
        table["trees"] = tuple(table["trees"])
        return TrainingSettings(**table)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise DataError(f"{path}: no complete detector settings ({error}); mend or restore it") from error


def tree_arrays(model: AdaBoostClassifier) -> tuple[Trees, NDArray[np.float64]]:
    """Turn scikit-learn's fitted ensemble into arrays.

    Parameters
    ----------
    model : AdaBoostClassifier
        Fitted on integer features with classes 0 and 1, trees of depth two at most.

    Returns
    -------
    trees : Trees
        The T trees.
    weight : ndarray of shape (T,), float64
        Their weights.
    """
    count = len(model.estimators_)
    feature, cut = np.zeros((count, 3), np.int32), np.full((count, 3), np.iinfo(np.int16).max, np.int16)
    vote = np.zeros((count, 4), np.int8)
    for number, estimator in enumerate(model.estimators_):
        tree = estimator.tree_
        verdict = np.where(tree.value[:, 0, :].argmax(axis=1) == 1, 1, -1)
        children = [(tree.children_left[0], 1), (tree.children_right[0], 2)] if tree.feature[0] >= 0 else []
        vote[number] = verdict[0]
        for node, slot in [(0, 0), *children]:
            if slot:
                vote[number, 2 * slot - 2 : 2 * slot] = verdict[node]
            if tree.feature[node] < 0:
                continue
            feature[number, slot] = tree.feature[node]
            cut[number, slot] = int(np.floor(tree.threshold[node]))
            if slot:
                vote[number, 2 * slot - 2] = verdict[tree.children_left[node]]
                vote[number, 2 * slot - 1] = verdict[tree.children_right[node]]
    return Trees(feature, cut, vote), np.asarray(model.estimator_weights_[:count], np.float64)


def open_gate() -> Gate:
    """Return a gate that every window passes."""
    trees = Trees(np.zeros((1, 3), np.int32), np.zeros((1, 3), np.int16), np.ones((1, 4), np.int8))
    return Gate(trees, np.array([GATE_TOTAL], np.uint8), 0)


def ensemble_arrays(model: AdaBoostClassifier, *, gate: Gate | None = None) -> Cascade:
    """Turn scikit-learn's fitted ensemble into a cascade with threshold 0.

    Parameters
    ----------
    model : AdaBoostClassifier
        See `tree_arrays`.
    gate : Gate, optional
        Its gate; None lets every window pass.

    Returns
    -------
    Cascade
        Its last partial score equals ``model.decision_function``.
    """
    return Cascade(gate or open_gate(), *tree_arrays(model), 0.0, np.zeros(RINGS + 1))


def fit_gate(
    positives: Windows, negatives: Windows, *, trees: int, features: int, settings: TrainingSettings
) -> Gate:
    """Boost the few trees of the gate on random windows.

    Parameters
    ----------
    positives, negatives : ndarray of shape (N, FEATURES), int16
        Windows with a leukocyte in the centre, and windows anywhere else.
    trees : int
        Number of trees.
    features : int
        Features tried at each split.
    settings : TrainingSettings
        Seed and depth.

    Returns
    -------
    Gate
        It lets every window pass; a bound is set afterwards.
    """
    tried = replace(settings, features_per_split=features)
    model = fit_ensemble(positives, negatives, trees=trees, settings=tried, seed=settings.seed - 1)
    found, weight = tree_arrays(model)
    summed = np.rint(np.cumsum(weight) / weight.sum() * GATE_TOTAL).astype(np.intp)
    return Gate(found, np.diff(summed, prepend=0).astype(np.uint8), 0)


def calibrate_gate(
    cascade: Cascade, positives: Windows, *, floor: float, loss: float, margin: float
) -> Cascade:
    """Set the gate's bound so that it loses hardly any of the given windows that score at least ``floor``.

    Parameters
    ----------
    cascade : Cascade
        The strong classifier.
    positives : ndarray of shape (N, FEATURES), int16
        Windows with leukocytes.
    floor : float
        Windows that score below this do not bind the gate.
    loss : float
        Share of the windows that may fall below the bound, 0 to 1; a leukocyte has several windows.
    margin : float
        The bound lies this share of the gate's weights lower still, for smears not seen here.

    Returns
    -------
    Cascade
        With its gate calibrated.

    References
    ----------
    Zhang & Viola 2007, NIPS 20 (direct backward pruning). Differs from it in the loss, in the margin, and in
    one bound for a first stage in place of one after every tree.
    """
    sums = [np.zeros(0, np.intp)]
    for start in range(0, len(positives), _CHUNK):
        chunk = positives[start : start + _CHUNK]
        ending = chunk[partial_scores(cascade, chunk)[:, -1] >= floor]
        sums.append(gate_scores(cascade.gate, ending))
    together = np.sort(np.concatenate(sums))
    lowest = together[int(loss * len(together))] if len(together) else 0
    bound = max(round(float(lowest) - margin * GATE_TOTAL), 0)
    return replace(cascade, gate=replace(cascade.gate, bound=bound))


def fit_ensemble(
    positives: Windows, negatives: Windows, *, trees: int, settings: TrainingSettings, seed: int
) -> AdaBoostClassifier:
    """Boost trees on windows; both classes weigh the same at the start.

    Parameters
    ----------
    positives, negatives : ndarray of shape (N, FEATURES), int16
        Windows with and without a leukocyte in the centre.
    trees : int
        Number of trees.
    settings : TrainingSettings
        Depth and number of features tried at each split.
    seed : int
        Seed of the features tried.

    Returns
    -------
    AdaBoostClassifier
        The fitted ensemble (SAMME).

    References
    ----------
    Freund & Schapire 1997, doi 10.1006/jcss.1997.1504; Zhu et al. 2009, doi 10.4310/SII.2009.v2.n3.a8.
    """
    features = np.empty((len(positives) + len(negatives), FEATURES), np.float32, order="F")
    features[: len(positives)], features[len(positives) :] = positives, negatives
    truth = np.repeat([1, 0], [len(positives), len(negatives)])
    weights = np.where(truth == 1, 0.5 / len(positives), 0.5 / len(negatives))
    base = DecisionTreeClassifier(max_depth=settings.depth, max_features=settings.features_per_split)
    model = AdaBoostClassifier(base, n_estimators=trees, random_state=seed)
    return model.fit(features, truth, sample_weight=weights)


def collect_windows(
    training: Sequence[TrainingField],
    rng: np.random.Generator,
    *,
    settings: TrainingSettings,
    variants: int,
    cascade: Cascade | None = None,
    negatives_each: int | None = None,
) -> tuple[Windows, Windows]:
    """Draw variations of fields and take windows with and without leukocytes from them.

    Parameters
    ----------
    training : sequence of TrainingField
        Published fields.
    rng : numpy.random.Generator
        Source of chance.
    settings : TrainingSettings
        How many and how far.
    variants : int
        Variations of each field; the first of them is the field as it is.
    cascade : Cascade, optional
        Where given, negatives are its best false windows instead of random ones.
    negatives_each : int, optional
        Random negatives of a variation; None takes the setting.

    Returns
    -------
    positives, negatives : ndarray of shape (N, FEATURES), int16
        The windows.
    """
    positives, negatives = [np.zeros((0, FEATURES), np.int16)], [np.zeros((0, FEATURES), np.int16)]
    count = settings.random_negatives if negatives_each is None else negatives_each
    for variant in range(variants):
        for source in training:
            drawn = _draw(source, training, rng, settings, first=variant == 0, hard=cascade is not None)
            picture = picture_of(drawn.densities)
            limit = np.array(picture.positions)
            near = _positive_positions(drawn, rng, limit, settings)
            positives.append(window_features(picture, near))
            if cascade is None:
                away = rng.integers(0, limit, (count, 2))
                away = away[_clear_of(drawn, away) >= settings.clear]
            else:
                away = _false_windows(scan(cascade, picture), drawn, settings)
            negatives.append(window_features(picture, away))
    return np.concatenate(positives), np.concatenate(negatives)


def _draw(
    source: TrainingField,
    training: Sequence[TrainingField],
    rng: np.random.Generator,
    settings: TrainingSettings,
    *,
    first: bool,
    hard: bool,
) -> Drawn:
    if hard and rng.random() < settings.overlays:
        other = training[int(rng.integers(len(training)))]
        return draw_overlay(source, other, rng, jitter=settings.jitter)
    return draw(source, rng, jitter=None if first else settings.jitter)


def _positive_positions(
    drawn: Drawn, rng: np.random.Generator, limit: NDArray[np.intp], settings: TrainingSettings
) -> NDArray[np.intp]:
    if not len(drawn.centres):
        return np.zeros((0, 2), np.intp)
    shift = settings.shift * BLOCKS_PER_ERYTHROCYTE
    moved = np.repeat(drawn.centres, 2, axis=0) + rng.uniform(-shift, shift, (2 * len(drawn.centres), 2))
    return np.unique(np.clip(np.rint(moved), 0, limit - 1).astype(np.intp), axis=0)


def _clear_of(drawn: Drawn, positions: NDArray[np.intp]) -> NDArray[np.float64]:
    cells = np.concatenate([drawn.centres, drawn.ignored])
    if not len(cells):
        return np.full(len(positions), np.inf)
    away = np.sqrt(((positions[:, None, :] - cells[None, :, :]) ** 2).sum(axis=2)).min(axis=1)
    clear: NDArray[np.float64] = away / BLOCKS_PER_ERYTHROCYTE
    return clear


def _false_windows(scores: NDArray[np.float64], drawn: Drawn, settings: TrainingSettings) -> NDArray[np.intp]:
    places = np.argwhere(scores >= settings.hard_floor)
    places = places[_clear_of(drawn, places) >= settings.clear]
    best = suppress(places.astype(np.float64), scores[places[:, 0], places[:, 1]], spacing=1.5)
    return places[best[: settings.hard_negatives]]


def boost(
    training: Sequence[TrainingField],
    *,
    settings: TrainingSettings,
    extra: Sequence[TrainingField] = (),
    progress: Callable[[str], None] = log.info,
    work: Path | None = None,
) -> tuple[Cascade, Windows]:
    """Train the strong classifier with rounds of hard negatives.

    Parameters
    ----------
    training : sequence of TrainingField
        Fields to learn from.
    settings : TrainingSettings
        The settings.
    extra : sequence of TrainingField, optional
        Hard negatives, from `detector.extra_negatives.read_extra_negatives`.
    progress : callable, optional
        Receives a line after every round.
    work : Path, optional
        Folder that keeps finished rounds; an interrupted training of the same fields, settings and library
        versions goes on there and gives the same bytes.

    Returns
    -------
    cascade : Cascade
        The ensemble behind a gate that `calibrate_gate` has not yet seen.
    positives : ndarray of shape (N, FEATURES), int16
        The windows with leukocytes.
    """
    names = [[item.name for item in fields_] for fields_ in (training, extra)]
    stages = Stages(work, key=training_key(settings, names, _libraries()))
    rng = np.random.default_rng(settings.seed)
    rounds = range(len(settings.trees))
    done = [number for number in rounds if stages.load(f"round_{number}") is not None]
    if done:
        first, found = done[-1], stages.load(f"round_{done[-1]}", rng=rng) or {}
        progress(f"going on with round {first + 1}")
    else:
        first, found = 0, _first_stage(training, extra, rng, settings, progress)
        stages.save("round_0", found, rng=rng)
    mining, gate = _gate_from(found, "mining_"), _gate_from(found, "gate_")
    positives, negatives = (found[name].astype(np.int16) for name in ("positives", "negatives"))
    for number in range(first, len(settings.trees)):
        trees = settings.trees[number]
        model = fit_ensemble(
            positives, negatives, trees=trees, settings=settings, seed=settings.seed + number
        )
        cascade = ensemble_arrays(model, gate=mining)
        progress(f"round {number + 1}: {trees} trees, {len(positives)} positives, {len(negatives)} negatives")
        if number + 1 < len(settings.trees):
            _, hard = collect_windows(
                training, rng, settings=settings, variants=settings.hard_variants, cascade=cascade
            )
            negatives = np.concatenate([negatives, hard])
            kept = {**found, "negatives": negatives}
            stages.save(f"round_{number + 1}", kept, rng=rng, replacing=[f"round_{number}"])
    return replace(cascade, gate=gate), positives


def _first_stage(
    training: Sequence[TrainingField],
    extra: Sequence[TrainingField],
    rng: np.random.Generator,
    settings: TrainingSettings,
    progress: Callable[[str], None],
) -> dict[str, NDArray[np.generic]]:
    positives, negatives = collect_windows(
        training, rng, settings=settings, variants=settings.variants, negatives_each=settings.gate_negatives
    )
    gates: dict[str, NDArray[Any]] = {}
    for name, trees, features in (
        ("mining_", settings.mining_trees, settings.mining_features),
        ("gate_", settings.gate_trees, settings.gate_features),
    ):
        gate = fit_gate(positives, negatives, trees=trees, features=features, settings=settings)
        bound = int(np.quantile(gate_scores(gate, positives), _MINING_LOSS))
        gates |= _gate_arrays(replace(gate, bound=bound), name)
        passed = (gate_scores(gate, negatives) >= bound).mean()
        progress(f"gate: {trees} trees, {passed:.4f} of {len(negatives)} negatives pass at {bound}")
    thinned = negatives[:: max(settings.gate_negatives // max(settings.random_negatives, 1), 1)]
    found = np.concatenate([thinned, _extra_windows(extra, settings)])
    return {**gates, "positives": positives, "negatives": found}


def _extra_windows(extra: Sequence[TrainingField], settings: TrainingSettings) -> Windows:
    return extra_windows(
        extra,
        seed=settings.seed,
        variants=settings.variants,
        shift=settings.shift,
        jitter=settings.jitter,
    )


def _gate_arrays(gate: Gate, prefix: str) -> dict[str, NDArray[Any]]:
    trees = gate.trees
    arrays: dict[str, NDArray[Any]] = {
        "feature": trees.feature,
        "cut": trees.cut,
        "vote": trees.vote,
        "weight": gate.weight,
        "bound": np.asarray(gate.bound, np.int64),
    }
    return {prefix + name: array for name, array in arrays.items()}


def _gate_from(found: dict[str, NDArray[np.generic]], prefix: str) -> Gate:
    feature, cut, vote, weight, bound = (
        found[prefix + name] for name in ("feature", "cut", "vote", "weight", "bound")
    )
    trees = Trees(feature.astype(np.int32), cut.astype(np.int16), vote.astype(np.int8))
    return Gate(trees, weight.astype(np.uint8), int(bound.item()))


def _libraries() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
        "opencv": cv2.__version__,
    }


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Scores on held-out fields.

    Parameters
    ----------
    found : ndarray of shape (K,), float64
        Score of the find of each leukocyte; minus infinity where there is none.
    false : ndarray of shape (J,), float64
        Scores of the finds that belong to none.
    """

    found: NDArray[np.float64]
    false: NDArray[np.float64]

    def errors(self, threshold: float, *, false_weight: float) -> float:
        """Return the misses plus the weighted false finds at a threshold."""
        false = false_weight * (self.false >= threshold).sum()
        return float((self.found < threshold).sum() + false)

    def best_threshold(self, *, false_weight: float) -> float:
        """Return the middle of the thresholds, in steps of 0.01, with the least weighted errors."""
        steps = np.round(np.arange(_LEAST_THRESHOLD, 0.4, 0.01), 2)
        errors = np.array([self.errors(step, false_weight=false_weight) for step in steps])
        return round(float(np.median(steps[errors == errors.min()])), 3)


def score_held_out(
    cascade: Cascade, fields_: Sequence[TrainingField], *, settings: TrainingSettings, varied: int
) -> HeldOut:
    """Scan held-out fields and tell the scores of leukocytes from those of false finds.

    Parameters
    ----------
    cascade : Cascade
        The strong classifier.
    fields_ : sequence of TrainingField
        Fields that were not trained on.
    settings : TrainingSettings
        The settings.
    varied : int
        Variations drawn of each field; 0 takes the fields as they are.

    Returns
    -------
    HeldOut
        Finds within 0.8 erythrocyte diameters of a leukocyte's centre are its own; finds near what is
        ignored are left out.
    """
    rng = np.random.default_rng(settings.seed + 1000)
    found: list[float] = []
    false: list[float] = []
    for _ in range(max(varied, 1)):
        for source in fields_:
            drawn = draw(source, rng, jitter=settings.jitter if varied else None)
            points, scores = find_centres(cascade, picture_of(drawn.densities), threshold=_LEAST_THRESHOLD)
            own = _distances(points, drawn.centres) <= _OWN * BLOCKS_PER_ERYTHROCYTE
            open_ = _distances(points, drawn.ignored) <= settings.clear * BLOCKS_PER_ERYTHROCYTE
            found.extend(scores[column].max(initial=-np.inf) for column in own.T)
            false.extend(scores[~own.any(axis=1) & ~open_.any(axis=1)])
    return HeldOut(np.array(found), np.array(false))


def _distances(points: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    away: NDArray[np.float64] = np.sqrt(((points[:, None, :] - others[None, :, :]) ** 2).sum(axis=2))
    return away


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
        Model folder; ``detector.npz``, ``manifest.json`` and ``card.md`` are written to it, and finished
        rounds to its folder ``work``, from which an interrupted training goes on.
    corrections : Path
        Audit list of the training boxes.
    hard_negatives : Path, optional
        ``hard_negatives.csv`` of an evaluation, to be learned from as well.
    progress : callable, optional
        Receives a line after every step.

    Returns
    -------
    Cascade
        What was stored. The same settings, data and library versions give the same bytes.

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
    cascade, positives = boost(kept, settings=settings, extra=extra, progress=progress, work=out / "work")
    varied = score_held_out(cascade, apart, settings=settings, varied=_HELD_OUT_VARIANTS)
    threshold = varied.best_threshold(false_weight=settings.false_weight)
    progress(f"threshold {threshold:.2f} from {len(varied.found)} leukocytes of varied held-out fields")
    limits = {"loss": settings.gate_loss, "margin": settings.gate_margin}
    cascade = calibrate_gate(cascade, positives, floor=threshold, **limits)
    progress(f"gate: bound {cascade.gate.bound} of {GATE_TOTAL}")
    cascade = replace(cascade, threshold=threshold, diameter=fit_sizes(kept))
    plain = score_held_out(cascade, apart, settings=settings, varied=0)
    metrics = {
        "held_out_leukocytes": len(plain.found),
        "held_out_missed": int((plain.found < threshold).sum()),
        "held_out_false": int((plain.false >= threshold).sum()),
        "varied_leukocytes": len(varied.found),
        "varied_missed": int((varied.found < threshold).sum()),
        "varied_false": int((varied.false >= threshold).sum()),
    }
    write_model_folder(out, cascade, settings=settings, metrics=metrics, fields_=len(kept))
    progress(f"stored {out}: {metrics}")
    return cascade


def write_model_folder(
    out: Path,
    cascade: Cascade,
    *,
    settings: TrainingSettings,
    metrics: dict[str, int],
    fields_: int,
) -> None:
    """Write ``detector.npz``, ``card.md`` and ``manifest.json`` of a trained detector.

    Parameters
    ----------
    out : Path
        Model folder.
    cascade : Cascade
        The strong classifier.
    settings : TrainingSettings
        What it was trained with.
    metrics : dict of str to int
        Counts on held-out fields.
    fields_ : int
        Number of fields trained on.
    """
    save_cascade(cascade, out / "detector.npz")
    card = _CARD.format(trees=len(cascade), fields=fields_, threshold=cascade.threshold, **metrics)
    with atomic_path(out / "card.md") as temporary:
        temporary.write_text(card, encoding="utf-8")
    details = {
        "threshold": cascade.threshold,
        "window_um": float(WINDOW_UM),
        "training_data": _TRAINING_DATA,
        "training_fields": fields_,
        "settings": asdict(settings),
        "metrics": metrics,
        "libraries": _libraries(),
    }
    files = ("detector.npz", "card.md")
    write_manifest(out, name="detector", kind="detector", version="1", files=files, details=details)


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
- **Not for**: unstained or fluorescent images, bone marrow, sections; diagnosis without a person's review.
- **Known limits**: erythroblasts and smudge cells are found as well and are left to the classifier; densely
  overlapping erythrocytes in dark stains give the most false finds.
"""
