"""Training fields, augmentation, boosting and the model folder."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from cells.errors import DataError, ModelError
from detector.cascade import Cascade, partial_scores
from detector.channels import picture_of
from detector.harvest import harvest_false_finds
from detector.held_out import HeldOut, held_out
from detector.measure import RINGS, estimate_diameters, fit_diameters, ring_profiles
from detector.resume import Stages, training_key
from detector.rounds import boost
from detector.samples import TrainingField, read_txl_fields
from detector.scan import scan
from detector.storage import load_cascade
from detector.training import fit_sizes, train
from detector.training_settings import TrainingSettings, read_settings
from detector.truth import LEUKOCYTE, Box
from detector.variations import Jitter, draw, draw_overlay
from detector.working_scale import BLOCKS_PER_ERYTHROCYTE

SETTINGS = Path(__file__).resolve().parents[1] / "detector" / "settings.toml"
ERYTHROCYTE_PX = 30.0


def paint(seed: int, cells: Sequence[tuple[int, int]], *, height: int = 200, width: int = 220) -> np.ndarray:
    """Draw a field with pink erythrocytes everywhere and violet leukocytes at the given places."""
    rng = np.random.default_rng(seed)
    image = np.full((height, width, 3), (232, 230, 228), np.uint8)
    for row in range(18, height, 37):
        for col in range(18, width, 37):
            centre = (col + int(rng.integers(-4, 5)), row + int(rng.integers(-4, 5)))
            cv2.circle(image, centre, 15, (214, 150, 152), -1, cv2.LINE_AA)
            cv2.circle(image, centre, 6, (224, 185, 186), -1, cv2.LINE_AA)
    for row, col in cells:
        cv2.circle(image, (col, row), 27, (190, 160, 205), -1, cv2.LINE_AA)
        cv2.circle(image, (col, row), 17, (95, 50, 140), -1, cv2.LINE_AA)
    return image


def make_field(seed: int, cells: Sequence[tuple[int, int]]) -> TrainingField:
    boxes = tuple(Box(col - 26.5, row - 26.5, col + 27.5, row + 27.5, LEUKOCYTE) for row, col in cells)
    white = np.array([232.0, 230.0, 228.0])
    return TrainingField(f"{seed}.png", paint(seed, cells), white, ERYTHROCYTE_PX, boxes, (), ())


def make_fields() -> list[TrainingField]:
    rng = np.random.default_rng(0)
    return [make_field(seed, [(int(rng.integers(40, 160)), int(rng.integers(40, 180)))]) for seed in range(8)]


def small_settings() -> TrainingSettings:
    shipped = read_settings(SETTINGS)
    shipped = replace(shipped, mining_trees=2, gate_trees=3, gate_features=16, gate_negatives=8)
    return replace(shipped, variants=2, hard_variants=1, trees=(6, 12), features_per_split=16, overlays=0.3)


def test_settings_are_complete_and_faults_are_told(tmp_path: Path) -> None:
    shipped = read_settings(SETTINGS)
    assert shipped.trees[-1] >= 100
    assert shipped.jitter.scale > 0
    text = SETTINGS.read_text(encoding="utf-8")
    for broken in (text.replace("seed", "sead"), "seed = [", text.replace("[jitter]", "[jit]")):
        path = tmp_path / "settings.toml"
        path.write_text(broken, encoding="utf-8")
        with pytest.raises(DataError, match=r"settings\.toml"):
            read_settings(path)


@pytest.mark.parametrize("seed", range(12))
def test_draw_carries_the_cells_along(seed: int) -> None:
    """Wherever a varied field says that a leukocyte is, the densities are those of its nucleus."""
    field = make_field(1, [(70, 60), (120, 150)])
    still = Jitter(
        scale=0.2, gain=0, mixing_low=0, mixing_high=0, white=0, glare=0, blur=0, noise=0, crop=0.5, bars=0
    )
    drawn = draw(field, np.random.default_rng(seed), jitter=still)
    for row, col in drawn.centres * 2:
        top, left = int(row), int(col)
        patch = drawn.densities[max(0, top - 1) : top + 1, max(0, left - 1) : left + 1, 1]
        assert patch.min() > 0.45


def test_draw_is_reproducible_and_leaves_its_input() -> None:
    field = make_field(1, [(70, 60)])
    before = field.image.copy()
    one, two = (draw(field, np.random.default_rng(5), jitter=Jitter()) for _ in range(2))
    assert np.array_equal(one.densities, two.densities)
    assert np.array_equal(field.image, before)
    other = draw(field, np.random.default_rng(6), jitter=Jitter())
    assert one.densities.shape != other.densities.shape or not np.array_equal(one.densities, other.densities)


def test_overlay_has_no_leukocyte() -> None:
    fields = make_fields()
    still = Jitter(
        scale=0, gain=0, mixing_low=0, mixing_high=0, white=0, glare=0, blur=0, noise=0, crop=0, bars=0
    )
    drawn = draw_overlay(fields[0], fields[1], np.random.default_rng(2), jitter=still)
    assert len(drawn.centres) == 0
    assert drawn.densities.max() <= 2.0


def test_held_out_share_and_constancy() -> None:
    names = [f"{number}.jpg" for number in range(4000)]
    share = np.mean([held_out(name, share=0.12) for name in names])
    assert share == pytest.approx(0.12, abs=0.02)
    assert held_out("a.jpg", share=1.0)
    assert not held_out("a.jpg", share=0.0)


def same(one: Cascade, other: Cascade) -> bool:
    pairs = [(one.weight, other.weight), (one.gate.weight, other.gate.weight)]
    for name in ("feature", "cut", "vote"):
        pairs.append((getattr(one.trees, name), getattr(other.trees, name)))
        pairs.append((getattr(one.gate.trees, name), getattr(other.gate.trees, name)))
    return all(np.array_equal(a, b) for a, b in pairs) and one.gate.bound == other.gate.bound


def test_boosting_learns_and_is_reproducible() -> None:
    fields, settings = make_fields(), small_settings()
    cascade, positives = boost(fields, settings=settings)
    again, _ = boost(fields, settings=settings)
    assert same(cascade, again)
    drawn = draw(fields[0], np.random.default_rng(0))
    scores = scan(cascade, picture_of(drawn.densities))
    peak = np.array(np.unravel_index(scores.argmax(), scores.shape))
    assert np.hypot(*(peak - drawn.centres[0])) < BLOCKS_PER_ERYTHROCYTE
    assert (partial_scores(cascade, positives)[:, -1] > 0).mean() > 0.9


def test_interrupted_training_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    fields, settings = make_fields(), small_settings()
    whole, _ = boost(fields, settings=settings)

    def stop(line: str) -> None:
        if line.startswith("round 1"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        boost(fields, settings=settings, work=tmp_path, progress=stop)
    lines: list[str] = []
    boost(fields, settings=settings, work=tmp_path, progress=lines.append)
    resumed, _ = boost(fields, settings=settings, work=tmp_path, progress=lines.append)
    assert same(whole, resumed)
    assert sum("going on" in line for line in lines) == 2
    other = replace(settings, seed=settings.seed + 1)
    lines.clear()
    boost(fields, settings=other, work=tmp_path, progress=lines.append)
    assert not any("going on" in line for line in lines)


def test_damaged_stage_is_passed_over(tmp_path: Path) -> None:
    stages = Stages(tmp_path, key=training_key("a"))
    stages.save("one", {"x": np.arange(3)}, rng=np.random.default_rng(1))
    assert stages.load("two") is None
    rng = np.random.default_rng(2)
    found = stages.load("one", rng=rng)
    assert found is not None
    assert found["x"].tolist() == [0, 1, 2]
    assert rng.random() == np.random.default_rng(1).random()
    path = tmp_path / "one.npz"
    path.write_bytes(path.read_bytes()[:40])
    assert stages.load("one") is None


def test_threshold_is_the_middle_of_the_best() -> None:
    scores = HeldOut(np.array([0.3, 0.5, 0.25]), np.array([0.0, 0.1]))
    assert scores.errors(0.05, false_weight=2.0) == 2.0
    assert scores.errors(0.28, false_weight=2.0) == 1.0
    assert scores.best_threshold(false_weight=1.0) == pytest.approx(0.18, abs=0.011)
    mixed = HeldOut(np.array([0.05, 0.5]), np.array([0.2]))
    assert mixed.best_threshold(false_weight=0.5) <= 0.05
    assert mixed.best_threshold(false_weight=5.0) > 0.2


def test_diameters_follow_the_cells() -> None:
    rng = np.random.default_rng(0)
    profiles = rng.random((50, RINGS))
    truth = profiles @ np.linspace(0, 0.3, RINGS) + 1.2
    coefficients = fit_diameters(profiles, truth)
    assert np.abs(estimate_diameters(profiles, coefficients) - truth).max() < 0.03
    fields = make_fields()
    drawn = draw(fields[0], np.random.default_rng(0))
    profile = ring_profiles(picture_of(drawn.densities), drawn.centres)
    assert profile.shape == (1, RINGS)
    assert profile.max() == pytest.approx(1.0)
    assert estimate_diameters(profile, fit_sizes(fields))[0] == pytest.approx(1.8, rel=0.1)


def write_txl(folder: Path, count: int) -> None:
    for name in ("images", "labels"):
        (folder / "txl_pbc" / name / "train").mkdir(parents=True)
    rng = np.random.default_rng(1)
    for number in range(count):
        row, col = int(rng.integers(40, 150)), int(rng.integers(40, 160))
        image = paint(number, [(row, col)], height=208, width=208)
        path = folder / "txl_pbc" / "images" / "train" / f"{number:03d}.png"
        cv2.imwrite(str(path), np.ascontiguousarray(image[..., ::-1]))
        lines = [f"0 {(col + 0.5) / 208} {(row + 0.5) / 208} {54 / 208} {54 / 208}"]
        lines += [f"1 {x / 208} {y / 208} {30 / 208} {30 / 208}" for x, y in ((55, 55), (92, 55), (55, 92))]
        label = folder / "txl_pbc" / "labels" / "train" / f"{number:03d}.txt"
        label.write_text("\n".join(lines), encoding="utf-8")


def test_training_from_data_to_model_folder(tmp_path: Path) -> None:
    write_txl(tmp_path, 16)
    audit = tmp_path / "audit.csv"
    audit.write_text("image,x0,y0,x1,y1,verdict\n", encoding="utf-8")
    settings = replace(small_settings(), held_out=0.3)
    lines: list[str] = []
    for name in ("one", "two"):
        train(settings, tmp_path, tmp_path / name, corrections=audit, progress=lines.append)
    for name in ("detector.npz", "manifest.json", "card.md"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    manifest = json.loads((tmp_path / "one" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["kind"] == "detector"
    digest = manifest["files"]["detector.npz"]
    cascade = load_cascade(tmp_path / "one" / "detector.npz", sha256=digest)
    assert cascade.threshold == manifest["threshold"]
    with pytest.raises(ModelError, match="sha256"):
        load_cascade(tmp_path / "one" / "detector.npz", sha256="0" * 64)
    assert any("round 2" in line for line in lines)


def test_harvest_leaves_out_leukocytes(tmp_path: Path) -> None:
    fields, settings = make_fields(), small_settings()
    cascade, _ = boost(fields[:4], settings=settings)
    centres: list[tuple[float, float]] = []

    def cut(image: np.ndarray, row: float, col: float, **_: object) -> np.ndarray:
        centres.append((row, col))
        return np.zeros((112, 112, 3), np.uint8)

    written = harvest_false_finds(
        replace(cascade, threshold=0.5), fields[:1], tmp_path, cut_cell=cut, floor=-2.0, per_field=9
    )
    truth = fields[0].leukocytes[0].centre
    assert 0 < len(written) <= 9
    assert min(np.hypot(row - truth[0], col - truth[1]) for row, col in centres) >= 0.8 * ERYTHROCYTE_PX
    rows = (tmp_path / "manifest.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "path,label,rbc_px,source,score"
    assert len(rows) == len(written) + 1
    assert all((tmp_path / item.path).is_file() for item in written)


def test_missing_data_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--data"):
        read_txl_fields(tmp_path)
