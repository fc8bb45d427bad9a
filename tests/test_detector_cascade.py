"""Scores, dense scan and storage of the strong classifier."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cells.errors import ModelError
from detector.boosting import calibrate_gate, ensemble_arrays, fit_ensemble, fit_gate, open_gate
from detector.cascade import GATE_TOTAL, Cascade, Gate, Trees, gate_scores, partial_scores
from detector.channels import CHANNELS, PADDING, WINDOW, ChannelPicture
from detector.measure import RINGS
from detector.scan import FEATURES, ORBITS, scan, window_features
from detector.storage import load_cascade, save_cascade
from detector.training_settings import ClusterSettings, TrainingSettings


def make_picture(rng: np.random.Generator, rows: int = 17, cols: int = 23) -> ChannelPicture:
    inner = rng.integers(0, 256, (len(CHANNELS), rows, cols), dtype=np.uint8)
    pad = ((0, 0), (PADDING, PADDING), (PADDING, PADDING))
    return ChannelPicture(np.pad(inner, pad, mode="symmetric"), 1.0, 1.0)


def every_position(picture: ChannelPicture) -> NDArray[np.intp]:
    return np.argwhere(np.ones(picture.positions, np.bool_))


def make_trees(rng: np.random.Generator, count: int) -> Trees:
    feature = rng.integers(0, FEATURES, (count, 3)).astype(np.int32)
    scale = np.where(feature < FEATURES // 3, 8, 1)
    cut = (rng.integers(60, 200, (count, 3)) * scale).astype(np.int16)
    return Trees(feature, cut, rng.choice(np.array([-1, 1], np.int8), (count, 4)))


def make_cascade(rng: np.random.Generator, trees: int = 60, *, bound: int = 0) -> Cascade:
    gate = Gate(make_trees(rng, 5), np.array([60, 55, 50, 47, 43], np.uint8), bound)
    return Cascade(gate, make_trees(rng, trees), rng.random(trees) + 0.1, 0.05, np.zeros(RINGS + 1))


def settings(depth: int) -> TrainingSettings:
    return TrainingSettings(
        seed=1,
        held_out=0.1,
        variants=1,
        hard_variants=1,
        random_negatives=1,
        hard_negatives=1,
        hard_floor=-0.2,
        overlays=0.0,
        clear=1.0,
        clear_between=1.0,
        shift=0.1,
        trees=(8,),
        depth=depth,
        features_per_split=8,
        mining_trees=2,
        mining_features=16,
        gate_trees=3,
        gate_features=16,
        gate_negatives=8,
        gate_loss=0.01,
        gate_margin=0.02,
        false_weight=1.0,
        clusters=ClusterSettings(1, 0.6, 1.0, 0.5),
    )


@pytest.mark.parametrize("depth", [1, 2])
def test_scores_equal_scikit_learn(depth: int) -> None:
    rng = np.random.default_rng(5)
    picture = make_picture(rng, 24, 24)
    windows = window_features(picture, every_position(picture))
    bright = windows[:, 100] > np.median(windows[:, 100])
    model = fit_ensemble(windows[bright], windows[~bright], trees=25, settings=settings(depth), seed=3)
    cascade = ensemble_arrays(model)
    expected = model.decision_function(windows.astype(np.float32))
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(partial_scores(cascade, windows)[:, -1], expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(scan(cascade, picture).ravel(), expected, rtol=0, atol=1e-12)


def test_features_are_what_they_say() -> None:
    picture = make_picture(np.random.default_rng(2))
    position = np.array([[3, 4]])
    values = window_features(picture, position).reshape(3, len(CHANNELS), len(ORBITS))
    window = picture.maps[:, 3 : 3 + WINDOW, 4 : 4 + WINDOW].reshape(len(CHANNELS), -1)
    eight = window[:, ORBITS].astype(np.int64)
    assert np.array_equal(values[0], eight.sum(axis=2))
    assert np.array_equal(values[1], eight.min(axis=2))
    assert np.array_equal(values[2], eight.max(axis=2))


def test_orbits_cover_the_window_evenly() -> None:
    counts = np.bincount(ORBITS.ravel(), minlength=WINDOW * WINDOW).reshape(WINDOW, WINDOW)
    diagonal = np.eye(WINDOW, dtype=bool) | np.eye(WINDOW, dtype=bool)[::-1]
    assert ORBITS.shape == (28, 8)
    assert (counts[diagonal] == 2).all()
    assert (counts[~diagonal] == 1).all()


@pytest.mark.parametrize("bound", [0, 90, 150, GATE_TOTAL])
def test_gate_keeps_its_rule(bound: int) -> None:
    rng = np.random.default_rng(8)
    cascade, picture = make_cascade(rng, bound=bound), make_picture(rng)
    windows = window_features(picture, every_position(picture))
    lost = gate_scores(cascade.gate, windows) < bound
    expected = np.where(lost, -np.inf, partial_scores(cascade, windows)[:, -1]).reshape(picture.positions)
    assert lost.any() == (bound > 0)
    assert np.array_equal(scan(cascade, picture), expected)
    assert np.isfinite(scan(cascade.ungated(), picture)).all()


def test_calibrated_gate_keeps_every_window_it_saw() -> None:
    rng = np.random.default_rng(9)
    cascade, picture = make_cascade(rng), make_picture(rng)
    windows = window_features(picture, every_position(picture))
    bare = scan(cascade, picture)
    floor = float(np.sort(bare.ravel())[-4])
    gated = calibrate_gate(cascade, windows, floor=floor, loss=0.0, margin=0.0)
    kept = scan(gated, picture)
    assert np.array_equal(kept[bare >= floor], bare[bare >= floor])
    assert np.isneginf(kept).any()
    assert calibrate_gate(cascade, windows, floor=floor, loss=0.0, margin=1.0).gate.bound == 0


def test_trained_gate_tells_the_classes_apart() -> None:
    rng = np.random.default_rng(5)
    picture = make_picture(rng, 24, 24)
    windows = window_features(picture, every_position(picture))
    bright = windows + np.int16(60)
    gate = fit_gate(bright, windows, trees=3, features=16, settings=settings(2))
    assert gate.weight.sum(dtype=int) == GATE_TOTAL
    assert gate.bound == 0
    assert np.median(gate_scores(gate, bright)) > np.quantile(gate_scores(gate, windows), 0.9)


def test_open_gate_passes_everything() -> None:
    windows = np.zeros((4, FEATURES), np.int16)
    assert (gate_scores(open_gate(), windows) >= open_gate().bound).all()


@pytest.mark.parametrize("rows", [5, 40])
def test_scores_do_not_depend_on_the_windows_beside_them(rows: int) -> None:
    """Sums are exact: a window scores the same bits alone, in a chunk, and in the whole picture."""
    rng = np.random.default_rng(12)
    cascade, picture = make_cascade(rng, trees=300), make_picture(rng, rows, 31)
    positions = every_position(picture)
    expected = scan(cascade, picture).ravel()
    for chosen in (slice(0, 1), slice(7, 20), slice(None, None, 3)):
        alone = partial_scores(cascade, window_features(picture, positions[chosen]))[:, -1]
        assert np.array_equal(alone, expected[chosen])


@pytest.mark.parametrize("band", [1, 3, 7, 1000])
def test_scan_is_independent_of_bands(band: int) -> None:
    rng = np.random.default_rng(4)
    cascade, picture = make_cascade(rng, bound=120), make_picture(rng)
    assert np.array_equal(scan(cascade, picture, band=band), scan(cascade, picture))


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("mirrored", [False, True])
def test_turned_picture_gives_turned_scores(turns: int, mirrored: bool) -> None:
    rng = np.random.default_rng(6)
    cascade, picture = make_cascade(rng, bound=120), make_picture(rng)
    maps = picture.maps[:, :, ::-1] if mirrored else picture.maps
    turned = ChannelPicture(np.ascontiguousarray(np.rot90(maps, turns, axes=(1, 2))), 1.0, 1.0)
    expected = scan(cascade, picture)
    expected = np.rot90(expected[:, ::-1] if mirrored else expected, turns)
    assert np.array_equal(scan(cascade, turned), expected)


def test_round_trip_and_bytes(tmp_path: Path) -> None:
    cascade = make_cascade(np.random.default_rng(3), bound=100)
    digest = save_cascade(cascade, tmp_path / "a.npz")
    assert save_cascade(cascade, tmp_path / "b.npz") == digest
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    back = load_cascade(tmp_path / "a.npz", sha256=digest)
    for name in ("weight", "diameter"):
        assert np.array_equal(getattr(back, name), getattr(cascade, name))
        assert getattr(back, name).dtype == getattr(cascade, name).dtype
    for found, stored in ((back.trees, cascade.trees), (back.gate.trees, cascade.gate.trees)):
        for name in ("feature", "cut", "vote"):
            assert np.array_equal(getattr(found, name), getattr(stored, name))
            assert getattr(found, name).dtype == getattr(stored, name).dtype
    assert np.array_equal(back.gate.weight, cascade.gate.weight)
    assert (back.threshold, back.gate.bound) == (cascade.threshold, cascade.gate.bound)


def test_altered_and_truncated_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "detector.npz"
    digest = save_cascade(make_cascade(np.random.default_rng(3)), path)
    content = path.read_bytes()
    for length in (0, 1, 30, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(ModelError, match="detector"):
            load_cascade(path)
    altered = bytearray(content)
    altered[len(content) // 3] ^= 0xFF
    path.write_bytes(bytes(altered))
    with pytest.raises(ModelError):
        load_cascade(path, sha256=digest)
    with pytest.raises(ModelError):
        load_cascade(tmp_path / "missing.npz")


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("trees", "feature", np.full((60, 3), FEATURES, np.int32)),
        ("trees", "feature", np.full((60, 3), -1, np.int32)),
        ("trees", "feature", np.zeros((60, 2), np.int32)),
        ("trees", "cut", np.zeros((60, 3), np.int64)),
        ("trees", "vote", np.zeros((60, 4), np.int8)),
        ("gate.trees", "feature", np.full((5, 3), FEATURES, np.int32)),
        ("gate.trees", "vote", np.zeros((5, 4), np.int8)),
        ("gate", "weight", np.full(5, 50, np.uint8)),
        ("gate", "weight", np.full(4, 60, np.uint8)),
        ("gate", "bound", 256),
        ("gate", "bound", -1),
        ("", "weight", np.full(60, np.nan)),
        ("", "weight", np.zeros(60)),
        ("", "weight", np.zeros(0)),
        ("", "diameter", np.full(RINGS + 1, np.inf)),
        ("", "threshold", np.nan),
    ],
)
def test_arrays_that_are_no_cascade_are_refused(tmp_path: Path, part: str, name: str, value: object) -> None:
    cascade = make_cascade(np.random.default_rng(3))
    parts = [cascade]
    for step in part.split(".") if part else []:
        parts.append(getattr(parts[-1], step))
    broken = replace(parts.pop(), **{name: value})
    for step in reversed(part.split(".") if part else []):
        broken = replace(parts.pop(), **{step: broken})
    save_cascade(broken, tmp_path / "detector.npz")
    with pytest.raises(ModelError):
        load_cascade(tmp_path / "detector.npz")


def test_pickled_and_foreign_parts_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "detector.npz"
    save_cascade(make_cascade(np.random.default_rng(3)), path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    pickled = io.BytesIO()
    np.save(pickled, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    for change in ({"weight.npy": pickled.getvalue()}, {"more.npy": parts["weight.npy"]}):
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in (parts | change).items():
                archive.writestr(name, content)
        with pytest.raises(ModelError):
            load_cascade(path)
