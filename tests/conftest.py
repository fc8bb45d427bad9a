"""Fixtures that many tests share."""

import os
from pathlib import Path

import pytest


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
