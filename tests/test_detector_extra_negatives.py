"""Hard negatives from outside: read whole, drawn by chance of their own, heard by the training."""

import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from test_detector_training import ERYTHROCYTE_PX, make_fields, paint, same, small_settings

from cells.errors import DataError
from detector.cascade import partial_scores
from detector.extra_negatives import extra_windows, read_extra_negatives
from detector.rounds import boost
from detector.scan import FEATURES
from detector.variations import Jitter

COLUMNS = ("path", "row", "col", "erythrocyte_px", "white_r", "white_g", "white_b", "more")


def _manifest(folder: Path, places: list[tuple[int, int]], *, seed: int = 3) -> Path:
    rows = []
    for number, (row, col) in enumerate(places):
        image = paint(seed + number, [])
        cv2.circle(image, (col, row), 22, (120, 60, 60), -1, cv2.LINE_AA)
        assert cv2.imwrite(str(folder / f"{number}.png"), image[..., ::-1])
        rows.append((f"{number}.png", row, col, ERYTHROCYTE_PX, 232, 230, 228, "=x"))
    path = folder / "hard_negatives.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        table.writerows(rows)
    return path


def _windows(fields: list, *, seed: int = 1, variants: int = 3) -> np.ndarray:
    return extra_windows(fields, seed=seed, variants=variants, shift=0.1, jitter=Jitter())


def test_windows_lie_on_the_place(tmp_path: Path) -> None:
    fields = read_extra_negatives(_manifest(tmp_path, [(100, 90)]))
    assert fields[0].leukocytes[0].centre == (100.0, 90.0)
    other = read_extra_negatives(_manifest(tmp_path, [(40, 150)]))
    assert fields[0].name != other[0].name
    still = extra_windows(fields, seed=1, variants=1, shift=0.0, jitter=Jitter())
    assert still.shape == (1, FEATURES)
    assert (still != extra_windows(other, seed=1, variants=1, shift=0.0, jitter=Jitter())).any()


def test_windows_are_seeded(tmp_path: Path) -> None:
    fields = read_extra_negatives(_manifest(tmp_path, [(100, 90), (60, 60)]))
    assert np.array_equal(_windows(fields), _windows(fields))
    assert not np.array_equal(_windows(fields), _windows(fields, seed=2))
    assert _windows([]).shape == (0, FEATURES)


def test_an_empty_list_is_read(tmp_path: Path) -> None:
    assert read_extra_negatives(_manifest(tmp_path, [])) == []


def test_a_missing_picture_is_refused(tmp_path: Path) -> None:
    path = _manifest(tmp_path, [(100, 90)])
    (tmp_path / "0.png").unlink()
    with pytest.raises(DataError, match=r"0\.png"):
        read_extra_negatives(path)


def test_the_training_hears_them_and_is_the_same_without(tmp_path: Path) -> None:
    settings = replace(small_settings(), trees=(8,))
    fields = make_fields()[:5]
    extra = read_extra_negatives(_manifest(tmp_path, [(100, 90), (60, 120), (120, 60)]))
    plain, taught = boost(fields, settings=settings)[0], boost(fields, settings=settings, extra=extra)[0]
    assert same(plain, boost(fields, settings=settings, extra=[])[0])
    assert not same(plain, taught)
    seen = _windows(extra)
    before, after = (partial_scores(one, seen)[:, -1].mean() for one in (plain, taught))
    assert after < before
