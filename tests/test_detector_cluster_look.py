"""Leukocytes that touch: drawn clusters, published cells laid together, and what must not change."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cells.vocabulary import CellClass
from detector.centres import SPACING, find_centres
from detector.channels import channel_picture
from detector.cluster_look import find_in_clusters
from detector.scanner import Scanner
from detector.storage import CLUSTERS, DETECTOR
from evaluation.boxes import truth_fields
from evaluation.detector_runs import laid_together, run_detector
from evaluation.finds import summarise
from leukoformula.store import SHIPPED, load_detector
from slides.optics import white_point
from slides.synthetic.field import SyntheticField, draw_field

FOLDER = SHIPPED / "detector"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "detector.md"
UM = 0.17
ERYTHROCYTE_PX = 7.5 / UM
KINDS = (
    CellClass.NEUTROPHIL_SEGMENTED,
    CellClass.LYMPHOCYTE,
    CellClass.EOSINOPHIL,
    CellClass.MONOCYTE,
    CellClass.NEUTROPHIL_BAND,
)


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    return Scanner.load(FOLDER / DETECTOR)


def cluster(seed: int, count: int) -> SyntheticField:
    rng = np.random.default_rng([seed, count])
    kinds = [KINDS[n] for n in rng.integers(0, len(KINDS), count)]
    return draw_field(shape=(420, 560), leukocytes=kinds, rng=rng, um_per_px=UM, touching=True)


def found_of(scanner: Scanner, field: SyntheticField) -> tuple[int, int]:
    finds = scanner.detect(field.image, white=white_point(field.image), erythrocyte_px=ERYTHROCYTE_PX)
    finds = [find for find in finds if find.counted]
    away = np.array([[np.hypot(f.row - c.row, f.col - c.col) for f in finds] for c in field.truth])
    near = away.reshape(len(field.truth), len(finds)) < 0.6 * ERYTHROCYTE_PX
    return int(near.any(axis=1).sum()), int((~near.any(axis=0)).sum())


def test_drawn_clusters_are_counted_cell_by_cell(scanner: Scanner) -> None:
    fields = [cluster(seed, count) for count in (2, 3, 5) for seed in range(100, 110)]
    cells = sum(len(field.truth) for field in fields)
    with_look = [found_of(scanner, field) for field in fields]
    without = [found_of(replace(scanner, clusters=None), field) for field in fields]
    assert sum(hits for hits, _ in with_look) >= 0.9 * cells
    assert sum(hits for hits, _ in with_look) > sum(hits for hits, _ in without) + 0.1 * cells
    assert sum(false for _, false in with_look) == 0


def trio(seed: int) -> SyntheticField:
    kinds = (CellClass.NEUTROPHIL_SEGMENTED, CellClass.LYMPHOCYTE, CellClass.EOSINOPHIL)
    rng = np.random.default_rng(seed)
    return draw_field(shape=(420, 560), leukocytes=kinds, rng=rng, um_per_px=UM, touching=True)


def test_the_page_tells_how_many_cells_of_drawn_clusters_are_found(scanner: Scanner) -> None:
    fields = [trio(seed) for seed in range(100, 140)]
    shares = []
    for one in (replace(scanner, clusters=None), scanner):
        found = np.sum([found_of(one, field) for field in fields], axis=0)
        shares.append(f"{found[0] / 120:.3f} / {found[1]}")
    row = f"| 40 drawn clusters of three, seeds 100 to 139 | 120 | {shares[0]} | {shares[1]} |"
    assert row in PAGE.read_text(encoding="utf-8")


@pytest.mark.data
@pytest.mark.parametrize("name", ["txl_val", "deepbionet", "bccd"])
def test_published_cells_laid_against_each_other(scanner: Scanner, data: Path, name: str) -> None:
    laid = laid_together(list(truth_fields(data, name))[::2])
    figures = summarise(run_detector(scanner, laid))
    without = summarise(run_detector(replace(scanner, clusters=None), laid))
    assert figures.recall >= 0.92
    assert figures.leukocytes - figures.found <= 0.8 * (without.leukocytes - without.found)
    assert figures.false_share <= 0.02


def test_cells_that_keep_apart_are_found_as_before(scanner: Scanner) -> None:
    rng = np.random.default_rng(5)
    field = draw_field(shape=(600, 800), leukocytes=KINDS, rng=rng, um_per_px=UM)
    told = {"white": white_point(field.image), "erythrocyte_px": ERYTHROCYTE_PX}
    assert scanner.detect(field.image, **told) == replace(scanner, clusters=None).detect(field.image, **told)


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_turned_cluster_gives_turned_finds(scanner: Scanner, turns: int, mirrored: bool) -> None:
    image = cluster(3, 5).image[:400, :560]
    white = white_point(image)
    side = image[:, ::-1] if mirrored else image
    turned = np.ascontiguousarray(np.rot90(side, turns))
    before = scanner.detect(image, white=white, erythrocyte_px=40.0)
    after = scanner.detect(turned, white=white, erythrocyte_px=40.0)
    height, width = image.shape[:2]
    expected = []
    for find in before:
        row, col = find.row, (width - 1 - find.col if mirrored else find.col)
        high, wide = height, width
        for _ in range(turns):
            row, col, high, wide = wide - 1 - col, row, wide, high
        expected.append((row, col, find.score))
    assert np.allclose(sorted(expected), sorted((f.row, f.col, f.score) for f in after), atol=1e-6)


def test_finds_keep_their_distance_and_their_order(scanner: Scanner) -> None:
    assert scanner.clusters is not None
    image = cluster(7, 5).image
    picture = channel_picture(image, white_point(image), erythrocyte_px=ERYTHROCYTE_PX)
    points, scores = find_centres(scanner.cascade, picture, threshold=scanner.cascade.threshold)
    given = {"threshold": scanner.cascade.threshold, "limit": scanner.clusters.threshold}
    sizes = np.full(len(points), 1.5)
    found, values = find_in_clusters(
        scanner.clusters, picture, points, scores, sizes=sizes, missed=points[:0], **given
    )
    assert len(found) > len(points)
    away = np.sqrt(((found[:, None] - found[None]) ** 2).sum(axis=2)) + 99 * np.eye(len(found))
    assert away.min() >= SPACING * 5 - 1e-9
    keys = list(zip((-values).tolist(), *found.T.tolist(), strict=True))
    assert keys == sorted(keys)


def test_nothing_is_looked_for_without_a_find(scanner: Scanner) -> None:
    assert scanner.clusters is not None
    image = cluster(7, 5).image
    picture = channel_picture(image, white_point(image), erythrocyte_px=ERYTHROCYTE_PX)
    none = np.zeros((0, 2))
    given = {"sizes": np.zeros(0), "missed": none, "threshold": 0.0, "limit": 0.0}
    found, _ = find_in_clusters(scanner.clusters, picture, none, np.zeros(0), **given)
    assert found is none


def test_a_cluster_that_just_misses_as_a_whole_is_found(scanner: Scanner) -> None:
    field = trio(124)
    assert found_of(replace(scanner, clusters=None), field) == (0, 0)
    assert found_of(scanner, field) == (3, 0)


def test_many_clusters_are_found_as_each_by_itself(scanner: Scanner) -> None:
    tile = cluster(4, 3).image
    white = white_point(tile)
    one = scanner.detect(tile, white=white, erythrocyte_px=ERYTHROCYTE_PX)
    many = scanner.detect(
        np.tile(np.concatenate([tile, tile[:, ::-1]], axis=1), (1, 2, 1)),
        white=white,
        erythrocyte_px=ERYTHROCYTE_PX,
    )
    assert len(many) == 4 * len(one)


def test_the_shipped_detector_looks_at_clusters(tmp_path: Path) -> None:
    scanner = load_detector()[0]
    assert scanner.clusters is not None
    scanner.save(tmp_path / DETECTOR)
    assert (tmp_path / CLUSTERS).read_bytes() == (FOLDER / CLUSTERS).read_bytes()
    (tmp_path / CLUSTERS).unlink()
    assert Scanner.load(tmp_path / DETECTOR).clusters is None
