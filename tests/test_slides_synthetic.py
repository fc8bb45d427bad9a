"""Synthetic smears: what is drawn is what the truth says, at any pixel size, and again the same."""

import csv
import hashlib
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cells.errors import UsageError
from cells.records import RGBImage
from cells.units import CROP_ERYTHROCYTE_PX, CROP_PX, ERYTHROCYTE_UM
from cells.vocabulary import CLASSIFIED, CellClass
from slides.optics import optical_density
from slides.synthetic import (
    CAMERAS,
    DRAWABLE,
    MAY_GRUNWALD_GIEMSA,
    STAINS,
    Camera,
    Stain,
    draw_cell,
    draw_field,
    draw_smear,
)

C = CellClass
SIX = (
    C.NEUTROPHIL_BAND,
    C.NEUTROPHIL_SEGMENTED,
    C.EOSINOPHIL,
    C.BASOPHIL,
    C.LYMPHOCYTE,
    C.MONOCYTE,
)
WHITE = (240.0, 240.0, 240.0)
IDEAL = Camera(blur_um=0.0, noise=0.0, white=WHITE, flare=0.0)
EMPTY = {"erythrocytes_per_mm2": 0.0, "platelets_per_mm2": 0.0, "debris_per_mm2": 0.0}


def densities(image: RGBImage) -> NDArray[np.float32]:
    return optical_density(image, np.array(WHITE))


def stained_shapes(image: RGBImage, threshold: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mask = (densities(image)[..., 1] > threshold).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros_like(mask), contours, -1, 1, cv2.FILLED)
    _, _, stats, centres = cv2.connectedComponentsWithStats(filled)
    return 2 * np.sqrt(stats[1:, cv2.CC_STAT_AREA] / np.pi), centres[1:, ::-1]


def lone(label: CellClass, um_per_px: float, *, seed: int = 5, stain: Stain = MAY_GRUNWALD_GIEMSA):
    side = round(30.0 / um_per_px)
    rng = np.random.default_rng(seed)
    return draw_field(
        shape=(side, side),
        leukocytes=[label],
        rng=rng,
        um_per_px=um_per_px,
        stain=stain,
        camera=IDEAL,
        **EMPTY,
    )


@pytest.mark.parametrize("label", CLASSIFIED)
def test_a_cell_crop_is_drawn_for_every_class_that_classifiers_answer_with(label: CellClass) -> None:
    crop = draw_cell(label, rng=np.random.default_rng(0))
    assert crop.shape == (CROP_PX, CROP_PX, 3)
    assert crop.dtype == np.uint8
    assert np.array_equal(crop, draw_cell(label, rng=np.random.default_rng(0)))
    assert not np.array_equal(crop, draw_cell(label, rng=np.random.default_rng(1)))


@pytest.mark.parametrize("label", SIX)
def test_the_cell_of_a_crop_lies_in_the_middle(label: CellClass) -> None:
    for seed in range(6):
        crop = draw_cell(
            label, rng=np.random.default_rng(seed), stain=MAY_GRUNWALD_GIEMSA, camera=Camera(white=WHITE)
        )
        red = densities(crop)[..., 0]
        nucleus = red > 0.35
        rows, cols = np.mgrid[:CROP_PX, :CROP_PX]
        near = np.hypot(rows - 55.5, cols - 55.5) < 0.5 * CROP_ERYTHROCYTE_PX
        assert nucleus[near].mean() > 3 * nucleus[~near].mean()
        assert nucleus.sum() > 250


def test_the_size_of_a_crop_changes_its_scale_and_not_its_scene() -> None:
    small, large = (
        draw_cell(
            C.EOSINOPHIL, rng=np.random.default_rng(4), stain=MAY_GRUNWALD_GIEMSA, camera=IDEAL, size_px=side
        )
        for side in (112, 224)
    )
    shrunk = cv2.resize(large, (112, 112), interpolation=cv2.INTER_AREA)
    assert np.mean(np.abs(shrunk.astype(int) - small)) < 3.0


def test_classes_differ_in_the_dyes_of_their_cytoplasm() -> None:
    def colour(label: CellClass) -> NDArray[np.float64]:
        values = []
        for seed in range(8):
            density = densities(lone(label, 0.2, seed=seed).image)
            cytoplasm = (density[..., 1] > 0.08) & (density[..., 0] < 0.35)
            values.append(np.median(density[cytoplasm], axis=0))
        return np.mean(values, axis=0)

    eosinophil, neutrophil, monocyte = (colour(c) for c in (C.EOSINOPHIL, C.NEUTROPHIL_SEGMENTED, C.MONOCYTE))
    assert eosinophil[1] > 1.6 * neutrophil[1]
    assert eosinophil[1] / eosinophil[0] > 1.5 * monocyte[1] / monocyte[0]
    assert monocyte[0] > 1.5 * neutrophil[0]


def test_a_segmented_nucleus_falls_apart_where_its_filaments_are_cut_and_a_band_does_not() -> None:
    def parts(label: CellClass, seed: int) -> int:
        field = lone(label, 0.1, seed=seed)
        mask = (densities(field.image)[..., 0] > 0.3).astype(np.uint8)
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (13, 13))
        count, _, stats, _ = cv2.connectedComponentsWithStats(cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc))
        return sum(stats[i, cv2.CC_STAT_AREA] > 150 for i in range(1, count))

    lobes = [parts(C.NEUTROPHIL_SEGMENTED, seed) for seed in range(16)]
    bands = [parts(C.NEUTROPHIL_BAND, seed) for seed in range(16)]
    assert np.mean(lobes) > 1.8
    assert max(lobes) <= 5
    assert bands.count(1) >= 15


@pytest.mark.parametrize("um_per_px", [0.05, 0.1, 0.25, 0.5])
@pytest.mark.parametrize("label", [C.NEUTROPHIL_BAND, C.LYMPHOCYTE, C.MONOCYTE])
def test_a_leukocyte_has_the_diameter_and_place_that_the_truth_says(
    label: CellClass, um_per_px: float
) -> None:
    field = lone(label, um_per_px)
    (cell,) = field.truth
    sizes, centres = stained_shapes(field.image, 0.02)
    largest = int(np.argmax(sizes))
    assert sizes[largest] == pytest.approx(cell.diameter_px, rel=0.07)
    assert np.hypot(*(centres[largest] - (cell.row, cell.col))) < 0.06 * cell.diameter_px
    reference = lone(label, 0.1).truth[0]
    assert cell.diameter_px * um_per_px == pytest.approx(reference.diameter_px * 0.1)


@pytest.mark.parametrize("um_per_px", [0.08, 0.2, 0.4])
def test_erythrocytes_measure_what_the_pixel_size_says(um_per_px: float) -> None:
    side = round(120.0 / um_per_px)
    field = draw_field(
        shape=(side, side),
        leukocytes=[],
        rng=np.random.default_rng(2),
        um_per_px=um_per_px,
        camera=IDEAL,
        erythrocytes_per_mm2=5_000.0,
        overlap=0.0,
        platelets_per_mm2=0.0,
        debris_per_mm2=0.0,
    )
    said = field.erythrocytes[:, 2] * um_per_px
    assert np.median(said) == pytest.approx(ERYTHROCYTE_UM, rel=0.02)
    sizes, centres = stained_shapes(field.image, 0.06)
    pairs = []
    for row, col, diameter in field.erythrocytes:
        if diameter < min(row, col) and max(row, col) < side - diameter:
            away = np.hypot(*(centres - (row, col)).T)
            if away.min() < 0.2 * diameter:
                pairs.append(sizes[np.argmin(away)] / diameter)
    assert len(pairs) > 15
    assert np.median(pairs) == pytest.approx(1.0, abs=0.04)


def test_an_erythrocyte_is_paler_in_its_middle_third() -> None:
    field = draw_field(
        shape=(900, 900),
        leukocytes=[],
        rng=np.random.default_rng(8),
        camera=IDEAL,
        overlap=0.0,
        platelets_per_mm2=0.0,
        debris_per_mm2=0.0,
    )
    green = densities(field.image)[..., 1]
    whole = [c for c in field.erythrocytes if min(c[:2]) > 45 and max(c[:2]) < 855]
    middle = np.array([green[round(r), round(c)] for r, c, _ in whole])
    ring = np.array([green[round(r), round(c + 0.36 * d)] for r, c, d in whole])
    assert 0.15 < np.median(middle / ring) < 0.6


@settings(max_examples=8, deadline=None)
@given(
    labels=st.lists(st.sampled_from(DRAWABLE), max_size=6),
    seed=st.integers(0, 10_000),
    um_per_px=st.floats(0.2, 0.5),
    touching=st.booleans(),
)
def test_the_truth_lists_what_was_asked_inside_the_image(
    labels: list[CellClass], seed: int, um_per_px: float, touching: bool
) -> None:
    shape = (round(110 / um_per_px), round(150 / um_per_px))
    asked = tuple(labels)
    field = draw_field(
        shape=shape,
        leukocytes=labels,
        rng=np.random.default_rng(seed),
        um_per_px=um_per_px,
        touching=touching,
    )
    assert tuple(labels) == asked
    assert tuple(cell.label for cell in field.truth) == asked
    assert field.image.shape == (*shape, 3)
    for cell in field.truth:
        radius = 0.5 * cell.diameter_px
        assert radius - 1 <= cell.row <= shape[0] - radius
        assert radius - 1 <= cell.col <= shape[1] - radius
    if not touching:
        big = [c for c in field.truth if c.label not in (C.PLATELET, C.ARTEFACT)]
        for i, a in enumerate(big):
            for b in big[:i]:
                assert np.hypot(a.row - b.row, a.col - b.col) > 0.5 * (a.diameter_px + b.diameter_px)


def test_cells_of_a_cluster_touch() -> None:
    field = draw_field(
        shape=(300, 400),
        leukocytes=[C.LYMPHOCYTE] * 5,
        rng=np.random.default_rng(1),
        um_per_px=0.25,
        touching=True,
    )
    for i, a in enumerate(field.truth[1:], start=1):
        gaps = [
            np.hypot(a.row - b.row, a.col - b.col) / (0.5 * (a.diameter_px + b.diameter_px))
            for b in field.truth[:i]
        ]
        assert 0.95 < min(gaps) < 1.0


def test_a_field_is_the_same_again_and_follows_its_seed() -> None:
    def drawn(seed: int) -> RGBImage:
        rng = np.random.default_rng(seed)
        return draw_field(shape=(300, 320), leukocytes=SIX[:2], rng=rng, um_per_px=0.25).image

    assert np.array_equal(drawn(3), drawn(3))
    assert not np.array_equal(drawn(3), drawn(4))


def test_tiles_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    camera = Camera(blur_um=0.3, noise=0.0, gradient=(0.1, -0.1), vignette=0.1, sharpening=0.5)

    def drawn() -> RGBImage:
        rng = np.random.default_rng(9)
        return draw_field(shape=(260, 330), leukocytes=SIX[:2], rng=rng, um_per_px=0.25, camera=camera).image

    whole = drawn()
    monkeypatch.setattr("slides.synthetic.field._TILE", 97)
    halo = camera.with_um_per_px(0.25).halo_px
    inner = np.s_[halo:-halo, halo:-halo]
    assert np.max(np.abs(whole[inner].astype(int) - drawn()[inner])) <= 1


def test_optics_lamp_and_sensor_act() -> None:
    def drawn(camera: Camera) -> NDArray[np.float64]:
        rng = np.random.default_rng(0)
        return draw_field(shape=(200, 200), leukocytes=[], rng=rng, camera=camera, **EMPTY).image.astype(
            float
        )

    assert np.all(drawn(IDEAL) == WHITE[0])
    noisy = drawn(Camera(noise=0.02, white=(200.0, 200.0, 200.0), flare=0.0))
    assert noisy.std() == pytest.approx(0.02 * np.sqrt(200.0 * 255.0), rel=0.05)
    tilted = drawn(Camera(noise=0.0, white=(200.0, 200.0, 200.0), gradient=(0.2, 0.0)))
    assert tilted[-1].mean() / tilted[0].mean() == pytest.approx(1.1 / 0.9, rel=0.01)
    sharp, soft = (
        lone(C.LYMPHOCYTE, 0.1).image
        if blur == 0
        else draw_field(
            shape=(300, 300),
            leukocytes=[C.LYMPHOCYTE],
            rng=np.random.default_rng(5),
            camera=Camera(blur_um=blur, noise=0.0, white=WHITE, flare=0.0),
            **EMPTY,
        ).image
        for blur in (0.0, 0.5)
    )
    steep = [np.abs(np.diff(i[..., 1].astype(float), axis=0)).max() for i in (sharp, soft)]
    assert steep[1] < 0.4 * steep[0]


def test_stains_and_cameras_by_chance_are_reproducible_and_in_range() -> None:
    for seed in range(30):
        stain = Stain.random(np.random.default_rng(seed))
        assert stain == Stain.random(np.random.default_rng(seed))
        assert 0.0 < stain.vectors().min() <= stain.vectors().max() < 3.0
        assert stain.purple[1] > 2.0 * stain.haemoglobin[1]
        camera = Camera.random(np.random.default_rng(seed), um_per_px=0.2)
        assert camera.um_per_px == 0.2
        assert 1 <= min(camera.white) <= max(camera.white) <= 255
    assert len({stain.name for stain in STAINS}) == len(STAINS) >= 5
    assert len(set(CAMERAS)) == len(CAMERAS)


def test_a_smear_honours_its_formula_and_is_written_the_same_again(tmp_path: Path) -> None:
    formula = {C.NEUTROPHIL_SEGMENTED: 5, C.LYMPHOCYTE: 3, C.MONOCYTE: 1, C.BASOPHIL: 0}

    def drawn(folder: Path) -> dict[str, str]:
        truths = draw_smear(
            folder, formula=formula, fields=4, seed=11, shape=(240, 320), um_per_px=0.25, smudges=1, clumps=1
        )
        assert [len(cells) for cells in truths].count(2) == 3
        return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}

    before = dict(formula)
    files = drawn(tmp_path / "a")
    assert formula == before
    assert sorted(files) == [*(f"field_{i:03d}.png" for i in range(1, 5)), "truth.csv"]
    assert files == drawn(tmp_path / "b")
    with (tmp_path / "a" / "truth.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert Counter(row["label"] for row in rows) == {str(c): n for c, n in formula.items() if n}
    assert list(rows[0]) == ["image", "label", "row", "col", "diameter_px"]
    image = cv2.imread(str(tmp_path / "a" / rows[0]["image"]))
    assert image is not None
    assert image.shape == (240, 320, 3)
    row, col = float(rows[0]["row"]), float(rows[0]["col"])
    around = image[round(row) - 8 : round(row) + 9, round(col) - 8 : round(col) + 9, 1]
    assert np.percentile(around, 20) < 130 < np.median(image[..., 1])


@pytest.mark.parametrize(
    "call",
    [
        lambda rng: draw_cell(C.NEUTROPHIL, rng=rng),
        lambda rng: draw_cell(C.LYMPHOCYTE, rng=rng, size_px=2),
        lambda rng: draw_field(shape=(100, 100), leukocytes=[C.MONOCYTE], rng=rng, um_per_px=0.1),
        lambda rng: draw_field(shape=(200, 200), leukocytes=[C.LYMPHOCYTE] * 40, rng=rng, um_per_px=0.2),
        lambda rng: draw_field(shape=(0, 9), leukocytes=[], rng=rng),
        lambda rng: draw_field(shape=(50, 50), leukocytes=[], rng=rng, overlap=1.5),
        lambda rng: draw_field(shape=(50, 50), leukocytes=[], rng=rng, smudges=-1),
        lambda rng: draw_field(shape=(50, 50), leukocytes=[], rng=rng, um_per_px=0.0),
        lambda rng: draw_smear(Path("nowhere"), formula={C.LYMPHOCYTE: -1}, fields=1, seed=0),
        lambda rng: draw_smear(Path("nowhere"), formula={}, fields=0, seed=0),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_a_remedy(call) -> None:
    with pytest.raises(UsageError, match=r"use|give|choose|draw fewer"):
        call(np.random.default_rng(0))
    assert not Path("nowhere").exists()
