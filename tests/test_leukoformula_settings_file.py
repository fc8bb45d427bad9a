"""A laboratory's settings file: what it says is taken, what it should not say is refused by name."""

from pathlib import Path

import pytest

from cells.errors import DataError, InputError, UsageError
from counting.rules import AlertValues, CountingRules, SmudgePolicy
from leukoformula.settings import Settings, recorded_rules
from leukoformula.settings_file import LaboratorySettings, read_settings

FULL = """
classifier = "mlp"
ranges = "ours.json"
abstain_below = 0.6

[counting]
smudge = "as_other"
nrbc_correction_from = "never"
few_cells = 50

[counting.alerts]
neutrophils_low = 1.0

[report]
lang = "ru"
paper = "letter"
laboratory = "КДЛ № 1"
lines = ["ул. Ленина, 1", "тел. 1"]
logo = "logo.png"
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "laboratory.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_everything_that_is_said_is_taken(tmp_path: Path) -> None:
    (tmp_path / "ours.json").write_text("{}")
    found = read_settings(written(tmp_path, FULL))
    assert found.analysis == {
        "classifier": "mlp",
        "ranges": str(tmp_path / "ours.json"),
        "abstain_below": 0.6,
    }
    assert found.rules.smudge is SmudgePolicy.AS_OTHER
    assert found.rules.nrbc_correction_from is None
    assert (found.rules.few_cells, found.rules.alerts.neutrophils_low) == (50, 1.0)
    assert (found.look.lang, found.look.paper, found.look.logo) == ("ru", "letter", tmp_path / "logo.png")
    assert found.look.lines == ("ул. Ленина, 1", "тел. 1")


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert read_settings(written(tmp_path, "")) == LaboratorySettings()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("classifer = 'cnn'", "classifer"),
        ("classifier = 'svm'", "classifier"),
        ("abstain_below = 1.5", "abstain_below"),
        ("abstain_below = nan", "abstain_below"),
        ("abstain_below = true", "abstain_below"),
        ("detection_threshold = 1000", "detection_threshold is 1000; give a number from -1 to 1"),
        ("detection_threshold = inf", "detection_threshold"),
        ("calibration_fields = 2.5", "calibration_fields"),
        ("counting = 3", "counting"),
        ("[counting]\nsmudge = 'ignore'", "counting.smudge"),
        ("[counting]\nnrbc_correction_from = 'often'", "counting.nrbc_correction_from"),
        ("[counting]\nfew_cells = -1", "counting.few_cells"),
        ("[counting.alerts]\nwbc_high = '30'", "counting.alerts.wbc_high"),
        ("[counting.alerts]\nplatelets_low = 20", "counting.alerts.platelets_low"),
        ("[counting.alerts]\nwbc_low = 40", "wbc_low"),
        ("[report]\npaper = 'a3'", "report.paper"),
        ("[report]\nlaboratory = ''", "report.laboratory"),
        ('[report]\nlaboratory = "a\\nb"', "report.laboratory"),
        ("[report]\nlogo = 'l.png'", "report.laboratory"),
        ("[report]\nlaboratory = 'a'\nlines = ['1', '2', '3', '4', '5', '6']", "report.lines"),
        ("[report]\nlaboratory = 'a'\nlines = 'one'", "report.lines"),
        ("this is no toml", "TOML"),
        (f"calibration_fields = {'9' * 5000}", "TOML"),
    ],
)
def test_every_fault_is_named(tmp_path: Path, text: str, named: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(DataError, match=named) as raised:
        read_settings(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        read_settings(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"laboratory = '\xe9'")
    with pytest.raises(DataError, match="UTF-8"):
        read_settings(tmp_path / "latin.toml")


def test_rules_come_back_from_the_record() -> None:
    rules = CountingRules(SmudgePolicy.AS_LYMPHOCYTES, None, few_cells=30, alerts=AlertValues(wbc_high=50.0))
    assert recorded_rules(Settings(rules=rules).record()) == rules
    assert recorded_rules({}) == CountingRules()
    for faulty in ({"counting": 3}, {"counting": {"smudge": "x"}}, {"counting": {"unknown": 1}}):
        with pytest.raises(DataError, match="rules of counting"):
            recorded_rules(faulty)


def test_impossible_alert_values() -> None:
    with pytest.raises(UsageError, match="neutrophils_low"):
        AlertValues(neutrophils_low=-1)
    with pytest.raises(UsageError, match="wbc_low"):
        AlertValues(wbc_low=30.0)
