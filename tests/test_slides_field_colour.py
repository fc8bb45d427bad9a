"""The remark that fields of two stains or cameras stand in one smear."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeClassifier
from hypothesis import given
from hypothesis import strategies as st

from cells.records import Field
from cells.vocabulary import CellClass
from commands.main import main
from evaluation.stain_mixes import RUNS, read_colours, share_remarked
from leukoformula import Settings, analyse
from slides.field_colour import LEAST_FIELDS, MAX_GAP, MIXED, mixed_stains
from slides.optics import white_point
from slides.quality import measure_quality
from slides.synthetic.camera import SCANNER, Camera
from slides.synthetic.field import draw_field
from slides.synthetic.smear import draw_smear
from slides.synthetic.stains import BLUE_SHIFTED, GIEMSA, MAY_GRUNWALD_GIEMSA, STRONG, WRIGHT, Stain

SHAPE = (240, 320)
UM_PER_PX = 0.25
DAYLIGHT = replace(SCANNER, white=(235.0, 235.0, 250.0))


def colours(
    stain: Stain, camera: Camera, *, fields: int = 4, seed: int = 0, gain: float = 1.0
) -> dict[str, np.ndarray]:
    found = {}
    for number in range(fields):
        drawn = draw_field(
            shape=SHAPE,
            leukocytes=[CellClass.LYMPHOCYTE] * (number % 2),
            rng=np.random.default_rng([seed, number]),
            um_per_px=UM_PER_PX,
            stain=stain,
            camera=camera,
            erythrocytes_per_mm2=5_000 + 2_000 * number,
        )
        image = np.clip(drawn.image * gain, 0, 255).astype(np.uint8)
        field = Field(f"{stain.name} {camera.white} {gain} {number}", image, white_point(image))
        colour = measure_quality(field, 7.5 / UM_PER_PX).colour
        assert colour is not None
        found[field.name] = colour
    return found


@pytest.mark.parametrize("stain", [WRIGHT, MAY_GRUNWALD_GIEMSA, GIEMSA, BLUE_SHIFTED, STRONG])
def test_a_smear_of_one_stain_is_silent(stain: Stain) -> None:
    assert mixed_stains(colours(stain, SCANNER, fields=6)) == []


def test_thickness_and_exposure_make_no_second_stain() -> None:
    bright, dark = (colours(WRIGHT, SCANNER, gain=gain) for gain in (1.0, 0.7))
    assert mixed_stains({**bright, **dark}) == []


@pytest.mark.parametrize(
    ("stain", "camera"), [(BLUE_SHIFTED, SCANNER), (STRONG, SCANNER), (MAY_GRUNWALD_GIEMSA, DAYLIGHT)]
)
def test_another_stain_or_camera_is_found_and_its_fields_are_named(stain: Stain, camera: Camera) -> None:
    most = colours(MAY_GRUNWALD_GIEMSA, SCANNER, fields=6)
    few = colours(stain, camera, fields=3, seed=1)
    smear, *fields = mixed_stains({**most, **few})
    assert (smear.code, smear.severity, smear.where, smear.value) == (MIXED, "warning", "", 1 / 3)
    assert [one.where for one in fields] == list(few)
    assert all(one.value is not None and one.value >= MAX_GAP for one in fields)


def points(*places: float) -> dict[str, np.ndarray]:
    return {str(number): np.array([place, 0.0, 0.0, 0.0, 0.0]) for number, place in enumerate(places)}


def test_gradual_differences_and_single_fields_are_silent() -> None:
    assert mixed_stains(points(*np.linspace(0, 20, 30))) == []
    assert mixed_stains(points(*[0.0] * 10, *[9.0] * (LEAST_FIELDS - 1))) == []
    assert mixed_stains(points(*[0.0] * 57, *[9.0] * LEAST_FIELDS)) == []
    assert len(mixed_stains(points(*[0.0] * 10, *[9.0] * LEAST_FIELDS))) == 1 + LEAST_FIELDS
    for few in ({}, points(1.0), points(0.0, 9.0), points(0.0, 0.0, 9.0, 9.0)):
        assert mixed_stains(few) == []


def test_of_two_equal_groups_the_later_is_named_and_many_fields_are_thinned_out() -> None:
    assert [one.where for one in mixed_stains(points(0, 0, 0, 9, 9, 9))[1:]] == ["3", "4", "5"]
    many = mixed_stains(points(*[0.0] * 3000, *[9.0] * 1500))
    assert many[0].value == pytest.approx(1 / 3)
    assert len(many) == 301


@given(st.lists(st.floats(-20, 20), max_size=40), st.randoms(use_true_random=False))
def test_the_gap_does_not_depend_on_the_order(places: list[float], random: object) -> None:
    shuffled = list(places)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (mixed_stains(points(*each)) for each in (places, shuffled))
    assert bool(one) == bool(other)
    assert [item.value for item in one[1:2]] == pytest.approx([item.value for item in other[1:2]])


@pytest.fixture
def mix(tmp_path: Path) -> Path:
    for name, stain in (("a", MAY_GRUNWALD_GIEMSA), ("b", STRONG)):
        folder = tmp_path / name
        formula = {CellClass.LYMPHOCYTE: 2}
        draw_smear(folder, formula=formula, fields=3, seed=3, shape=(480, 640), um_per_px=0.15, stain=stain)
        (tmp_path / "mix").mkdir(exist_ok=True)
        for path in folder.glob("*.png"):
            path.rename(tmp_path / "mix" / f"{name}_{path.name}")
    return tmp_path / "mix"


def test_the_report_and_the_terminal_ask_whether_smears_were_mixed(
    mix: Path, tmp_path: Path, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [one for one in analyse(mix, settings=Settings(um_per_px=0.15)).findings if one.code == MIXED]
    assert [one.where for one in found] == ["", *(f"b_field_00{n}.png" for n in (1, 2, 3))]
    assert main(["report", str(mix), "--out", str(tmp_path / "out"), "--um-per-px", "0.15"]) == 0
    assert "whether fields of two smears or slides were mixed" in capsys.readouterr().err
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "were mixed: 50" in page


@pytest.mark.data
def test_published_fields_of_one_stain_are_silent_and_mixes_speak(data: Path) -> None:
    fields = sorted((data / "bccd" / "JPEGImages").iterdir())[:40]
    first, last = RUNS[1]
    others = [data / "deepbionet" / "Images" / f"{n}.jpg" for n in range(first, last + 1)]
    one, other = read_colours(fields), read_colours([path for path in others if path.exists()])
    for start in range(0, len(one), 20):
        assert mixed_stains({str(n): colour for n, colour in enumerate(one[start : start + 20])}) == []
    assert share_remarked([other], [len(other)], draws=1, seed=0) == 0
    assert share_remarked([one, other], [10, 10], draws=20, seed=0) == 1
