"""Fixtures that many tests share."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fakes import FakeClassifier


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of the published images; skips where it is absent, fails where CI=true and it is absent."""
    folder = Path(
        os.environ.get("LEUKOFORMULA_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
    )
    if not folder.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"real images are missing at {folder}; set LEUKOFORMULA_DATA")
        pytest.skip(f"no real images at {folder}; set LEUKOFORMULA_DATA to run this test")
    return folder


@pytest.fixture(scope="session")
def smear(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small drawn fields with twelve leukocytes, beside a text and a torn image."""
    from cells.vocabulary import CellClass
    from slides.synthetic.smear import draw_smear

    folder = tmp_path_factory.mktemp("smear")
    formula = {CellClass.LYMPHOCYTE: 6, CellClass.NEUTROPHIL_SEGMENTED: 6}
    draw_smear(folder, formula=formula, fields=3, seed=5, shape=(480, 640), um_per_px=0.15)
    (folder / "notes.txt").write_text("not an image")
    torn = (folder / "field_001.png").read_bytes()[:5000]
    (folder / "torn.png").write_bytes(torn)
    return folder


@pytest.fixture
def fake_models(monkeypatch: pytest.MonkeyPatch) -> "FakeClassifier":
    """Put stand-ins in the place of the trained models; gives the classifier."""
    from fakes import CLASSIFIER_INFO, DETECTOR_INFO, FakeClassifier, FakeScanner

    from leukoformula import store

    classifier = FakeClassifier()
    monkeypatch.setattr(store, "load_detector", lambda *, root=None: (FakeScanner(), (DETECTOR_INFO,)))
    monkeypatch.setattr(
        store,
        "load_classifier",
        lambda name, *, root=None, cnn_share=0.5: (classifier, (CLASSIFIER_INFO,)),
    )
    return classifier
