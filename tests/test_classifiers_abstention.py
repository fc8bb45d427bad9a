"""The rule of abstention: its p-values, its files, what decisions and smears make of it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from cells.errors import DataError, ModelError
from cells.model_files import ModelInfo, write_manifest
from cells.records import Detection, Field
from cells.units import Pixels
from cells.vocabulary import CLASSIFIED, NORMAL_FIVE, CellClass
from classifiers.abstention import (
    ARRAYS,
    Abstention,
    Forms,
    answer_and_measure,
    log_odds,
    nearest_kinds,
    read_arrays,
    write_arrays,
)
from classifiers.abstention_fitting import Answers, NormalCells, fit_abstention, fit_forms
from classifiers.ensemble import EnsembleClassifier
from commands.doctor import _abstention
from evaluation.abstention_measures import (
    Judged,
    area_under_curve,
    calibration_error,
    draws_alerted,
    in_development,
    patients_alerted,
)
from evaluation.abstention_rules import together
from evaluation.abstention_tables import tables
from leukoformula.alerts import outlier_alert, too_many
from leukoformula.decisions import COUNTING_FRAME, UNCERTAIN, UNLIKE, decide
from leukoformula.settings import Settings
from leukoformula.store import SHIPPED, load_abstention, model_info
from leukoformula.survey import FieldLook, Survey
from leukoformula.validation import deciding
from tests.fakes import FakeClassifier

C = CellClass
LYMPHOCYTE = CLASSIFIED.index(C.LYMPHOCYTE)


def answers(rng: np.random.Generator, count: int, *, sharpness: float = 1.0) -> np.ndarray:
    """Random answers that sum to 1."""
    raw = np.exp(sharpness * rng.normal(size=(count, len(CLASSIFIED))))
    return (raw / raw.sum(axis=1, keepdims=True)).astype(np.float32)


def normal_answers(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Answers to normal leukocytes, with their kinds."""
    found = answers(rng, count)
    kinds = rng.integers(0, len(NORMAL_FIVE), count)
    columns = np.array([[c is kind or c.parent is kind for c in CLASSIFIED] for kind in NORMAL_FIVE])
    found = found + 3 * columns[kinds] / columns[kinds].sum(axis=1, keepdims=True)
    return (found / found.sum(axis=1, keepdims=True)).astype(np.float32), kinds


def fitted(seed: int = 0, *, measured: bool = True) -> Abstention:
    rng = np.random.default_rng(seed)
    first, kinds = normal_answers(rng, 400)
    second, more = normal_answers(rng, 600)
    if not measured:
        return fit_abstention(Answers(first, None), kinds, Answers(second, None))
    centres = rng.normal(size=(5, 6)) * 4
    features = [(centres[k] + rng.normal(size=(len(k), 6))).astype(np.float32) for k in (kinds, more)]
    return fit_abstention(Answers(first, features[0]), kinds, Answers(second, features[1]))


@pytest.mark.parametrize("level", [0.05, 0.2])
def test_normal_leukocytes_are_found_unlike_no_more_often_than_promised(level: float) -> None:
    rng = np.random.default_rng(3)
    shares = []
    for _ in range(60):
        (one, kinds), (two, _), (new, _) = (normal_answers(rng, 300) for _ in range(3))
        rule = fit_abstention(Answers(one, None), kinds, Answers(two, None))
        shares.append(float((rule.p_values(new, None) <= level).mean()))
    assert level * 0.6 < np.mean(shares) < level * 1.08


def test_a_cell_far_from_every_normal_form_is_found_unlike() -> None:
    rng = np.random.default_rng(1)
    rule = fitted()
    assert rule.forms is not None
    found, _ = normal_answers(rng, 50)
    near = rule.forms.centres[nearest_kinds(found)]
    assert (rule.p_values(found, near + np.float32(40)) < 0.05).all()
    assert (rule.p_values(found, near) > 0.05).mean() > 0.9


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_p_values_fall_as_scores_rise(seed: int) -> None:
    rule = fitted(measured=False)
    found = answers(np.random.default_rng(seed), 30, sharpness=3.0)
    values, scores, kinds = rule.p_values(found, None), rule.score(found, None), nearest_kinds(found)
    assert ((values > 0) & (values <= 1)).all()
    for kind in range(5):
        order = np.argsort(scores[kinds == kind])
        assert (np.diff(values[kinds == kind][order]) <= 0).all()


def test_odds_compare_the_normal_kinds_with_the_rest() -> None:
    rows = np.zeros((3, len(CLASSIFIED)), np.float32)
    rows[0, [0, 1]] = 0.5
    rows[1, [LYMPHOCYTE, 9]] = 0.5
    rows[2, [LYMPHOCYTE, 6]] = 0.2, 0.8
    np.testing.assert_allclose(log_odds(rows), [np.log(1e-6), 0.0, np.log(4)], atol=1e-6)
    assert nearest_kinds(rows).tolist() == [0, 3, 3]


def test_the_forms_have_unit_spread_within_a_kind() -> None:
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 5, 4000)
    mixing = rng.normal(size=(4, 4))
    features = (rng.normal(size=(4000, 4)) @ mixing + 9 * kinds[:, None]).astype(np.float32)
    forms = fit_forms(features, kinds)
    away = (features - forms.centres[kinds]) @ forms.whitening
    assert away.var(axis=0).max() < 1.05
    assert np.exp(forms.distances(features, kinds)).mean() == pytest.approx(4, rel=0.35)


def test_too_few_cells_of_a_kind_are_refused() -> None:
    found = np.zeros((50, len(CLASSIFIED)), np.float32)
    found[:, LYMPHOCYTE] = 1
    few = Answers(found, None)
    with pytest.raises(DataError, match="held for neutrophil"):
        fit_abstention(few, np.full(50, 3), few)


def test_rules_are_read_as_they_were_written(tmp_path: Path) -> None:
    rules = {"cnn": fitted(1, measured=False), "ensemble": fitted(2)}
    write_arrays(tmp_path / ARRAYS, rules)
    content = (tmp_path / ARRAYS).read_bytes()
    assert len(content) < 1_000_000
    found, _ = normal_answers(np.random.default_rng(9), 40)
    features = np.random.default_rng(9).normal(size=(40, 6)).astype(np.float32)
    for name, given_features in (("cnn", None), ("ensemble", features)):
        read = read_arrays(content, name)
        assert (read.forms is None) == (given_features is None)
        np.testing.assert_allclose(
            read.p_values(found, given_features), rules[name].p_values(found, given_features), atol=0.03
        )
    with pytest.raises(ModelError, match="cannot be read"):
        read_arrays(content, "mlp")
    with pytest.raises(ModelError, match="other features"):
        read_arrays(content, "ensemble").p_values(found, None)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 torn"])
def test_bytes_that_are_no_rule_are_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match="fit it again"):
        read_arrays(content, "cnn")


def test_a_rule_that_does_not_hold_together_is_refused(tmp_path: Path) -> None:
    whole = fitted(2)
    for broken in (
        Abstention((0.0, 0.0, 0.0, 1.0), whole.scores, whole.forms),
        Abstention(whole.standard, tuple(s[::-1] for s in whole.scores), whole.forms),
        Abstention(
            whole.standard, whole.scores, Forms(np.zeros((5, 3), np.float32), np.eye(4, dtype=np.float32))
        ),
    ):
        write_arrays(tmp_path / ARRAYS, {"cnn": broken})
        with pytest.raises(ModelError, match="hold together"):
            read_arrays((tmp_path / ARRAYS).read_bytes(), "cnn")


def test_an_ensemble_answers_as_it_predicts() -> None:
    crops, whites = np.full((4, 112, 112, 3), 7, np.uint8), np.full((4, 3), 250.0)
    members = [FakeClassifier({C.LYMPHOCYTE: 1.0}), FakeClassifier({C.MONOCYTE: 1.0}, name="mlp")]
    ensemble = EnsembleClassifier(members, [0.25, 0.75], temperature=0.7)
    found, features = answer_and_measure(ensemble, crops, whites)
    np.testing.assert_array_equal(found, ensemble.predict(crops, whites))
    assert features is None
    both = together(ensemble, *(Answers(m.predict(crops, whites), None) for m in members))
    np.testing.assert_allclose(both.probabilities, found)


def test_restaining_leaves_the_other_cells_alone() -> None:
    rng = np.random.default_rng(0)
    crops = rng.integers(90, 250, (4, 112, 112, 3)).astype(np.uint8)
    cells = NormalCells(crops, np.full((4, 3), 250.0), np.arange(4))
    changed = cells.restained(every=2)
    assert [bool((a != b).any()) for a, b in zip(changed.crops, crops, strict=True)] == [True, False] * 2
    np.testing.assert_array_equal(changed.crops, cells.restained(every=2).crops)


def sure(label: CellClass, p: float = 0.9) -> np.ndarray:
    row = np.full(len(CLASSIFIED), (1 - p) / (len(CLASSIFIED) - 1), np.float32)
    row[CLASSIFIED.index(label)] = p
    return row


@pytest.mark.parametrize(
    ("label", "p_value", "levels", "in_frame", "expected"),
    [
        (C.LYMPHOCYTE, 0.04, (0.05, 0.0), True, (C.LYMPHOCYTE, True, UNLIKE)),
        (C.LYMPHOCYTE, 0.06, (0.05, 0.0), True, (C.LYMPHOCYTE, True, "")),
        (C.LYMPHOCYTE, 0.04, (0.05, 0.05), True, (C.UNIDENTIFIED, True, UNLIKE)),
        (C.LYMPHOCYTE, 0.04, (0.05, 0.01), True, (C.LYMPHOCYTE, True, UNLIKE)),
        (C.LYMPHOCYTE, 0.04, (0.05, 0.0), False, (C.LYMPHOCYTE, False, COUNTING_FRAME)),
        (C.NEUTROPHIL_BAND, 0.01, (0.05, 0.0), True, (C.NEUTROPHIL_BAND, True, UNLIKE)),
        (C.IMMATURE_GRANULOCYTE, 0.01, (0.05, 0.05), True, (C.IMMATURE_GRANULOCYTE, True, "")),
        (C.ERYTHROBLAST, 0.01, (0.05, 0.05), True, (C.ERYTHROBLAST, True, "")),
    ],
)
def test_decisions_take_the_p_value_of_normal_answers_alone(
    label: CellClass, p_value: float, levels: tuple[float, float], in_frame: bool, expected: tuple
) -> None:
    decision = decide(
        sure(label),
        CLASSIFIED,
        abstain_below=0.5,
        in_frame=in_frame,
        p_value=p_value,
        flag_outliers=levels[0],
        abstain_outliers=levels[1],
    )
    assert (decision.label, decision.counted, decision.reason) == expected


def test_an_uncertain_cell_stays_uncertain_however_unlike() -> None:
    decision = decide(
        sure(C.LYMPHOCYTE, 0.4),
        CLASSIFIED,
        abstain_below=0.5,
        in_frame=True,
        p_value=0.01,
        abstain_outliers=0.05,
    )
    assert (decision.label, decision.reason) == (C.UNIDENTIFIED, UNCERTAIN)


def test_the_alert_rises_where_chance_no_longer_explains_the_flags() -> None:
    assert outlier_alert(5, 100, level=0.05) is None
    found = outlier_alert(20, 100, level=0.05)
    assert found is not None
    assert (found.code, found.severity, found.value) == (UNLIKE, "warning", 0.2)
    assert outlier_alert(19, 19, level=0.05) is None
    assert outlier_alert(0, 0, level=0.05) is None


def test_an_analysis_flags_and_alerts_and_leaves_unidentified_where_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    survey = Survey(FakeClassifier({C.LYMPHOCYTE: 1.0}), fitted(measured=False), Settings())
    monkeypatch.setattr(Abstention, "p_values", lambda *_: np.full(30, 0.01))
    field = Field("a.png", rng.integers(0, 255, (300, 300, 3)).astype(np.uint8), np.full(3, 250.0))
    finds = [Detection(10.0 * k, 9.0, Pixels(50.0), 1.0) for k in range(30)]
    survey.add(FieldLook(field, [], finds, np.zeros((30, 112, 112, 3), np.uint8)))
    survey.finish()
    assert {cell.reason for cell in survey.cells} == {UNLIKE}
    assert survey.counts() == {C.LYMPHOCYTE: 30}
    assert [alert.value for alert in survey.alerts()] == [1.0]


@given(st.integers(20, 400), st.floats(0.01, 0.2))
@settings(max_examples=40, deadline=None)
def test_the_alert_is_rare_by_chance_and_rises_once(tested: int, level: float) -> None:
    raised = [too_many(unlike, tested, level=level) for unlike in range(tested + 1)]
    assert raised == sorted(raised)
    draws = np.random.default_rng(0).binomial(tested, level, 4000)
    assert np.mean([raised[k] for k in draws]) < 0.004


def test_answers_depend_on_abstaining_and_not_on_flags() -> None:
    usual = deciding(Settings())
    assert deciding(Settings(flag_outliers=0.2)) == usual
    assert deciding(Settings(abstain_outliers=0.02)) == {**usual, "abstain_outliers": 0.02}


def test_a_rule_is_used_with_its_own_models_alone(tmp_path: Path) -> None:
    cnn, other = (ModelInfo("cnn", "cnn", "1", digit * 64) for digit in "ab")
    mlp = ModelInfo("mlp", "mlp", "1", "c" * 64)
    assert load_abstention("cnn", (cnn,), root=tmp_path) == (None, ())
    folder = tmp_path / "abstention"
    write_arrays(folder / ARRAYS, {"cnn": fitted(measured=False), "ensemble": fitted(1)})
    details = {"models": {"cnn": "a" * 64, "mlp": "c" * 64}, "cnn_share": 0.5}
    write_manifest(folder, name="abstention", kind="abstention", version="1", files=[ARRAYS], details=details)
    rule, (info,) = load_abstention("cnn", (cnn,), root=tmp_path)
    assert rule is not None
    assert info.kind == "abstention"
    assert load_abstention("ensemble", (cnn, mlp), root=tmp_path)[0] is not None
    assert load_abstention("ensemble", (cnn, mlp), root=tmp_path, cnn_share=0.4) == (None, ())
    assert load_abstention("cnn", (other,), root=tmp_path) == (None, ())
    (folder / ARRAYS).write_bytes(b"altered")
    with pytest.raises(ModelError, match="altered"):
        load_abstention("cnn", (cnn,), root=tmp_path)


def test_the_doctor_sees_a_rule_of_other_models(tmp_path: Path) -> None:
    assert not list(_abstention(tmp_path))
    for name in ("cnn", "mlp"):
        (tmp_path / name).symlink_to(SHIPPED / name)
    write_arrays(tmp_path / "abstention" / ARRAYS, {"ensemble": fitted(1)})
    hashes = {name: model_info(name).sha256 for name in ("cnn", "mlp")}
    for models, status in (({**hashes, "mlp": "0" * 64}, "WARN"), (hashes, "PASS")):
        details = {"models": models, "cnn_share": Settings().cnn_share}
        write_manifest(
            tmp_path / "abstention",
            name="abstention",
            kind="abstention",
            version="1",
            files=[ARRAYS],
            details=details,
        )
        assert [check.state for check in _abstention(tmp_path)] == [status]
    (tmp_path / "abstention" / ARRAYS).write_bytes(b"altered")
    assert [check.state for check in _abstention(tmp_path)] == ["FAIL"]


def test_the_area_equals_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    scores, abnormal = rng.integers(0, 9, 200).astype(float), rng.random(200) < 0.3
    assert area_under_curve(scores, abnormal) == pytest.approx(roc_auc_score(abnormal, scores))
    assert np.isnan(area_under_curve(scores, np.ones(200, np.bool_)))


def test_the_calibration_error_is_the_gap_between_sureness_and_truth() -> None:
    rows = np.stack([sure(C.LYMPHOCYTE, 0.8)] * 10)
    right, wrong = C.LYMPHOCYTE, C.MONOCYTE
    assert calibration_error(rows, [right] * 8 + [wrong] * 2) == pytest.approx(0, abs=1e-6)
    assert calibration_error(rows, [right] * 5 + [wrong] * 5) == pytest.approx(0.3, abs=1e-6)


def judged() -> Judged:
    labels = (*[C.LYMPHOCYTE] * 60, *[C.BLAST] * 60)
    groups = (*["a:AML"] * 60, *["b:AML"] * 60)
    values = np.where(np.arange(120) < 60, 0.5, 0.01)
    return Judged("cells", labels, groups, np.stack([sure(C.LYMPHOCYTE)] * 120), 1 - values, values)


def test_patients_and_drawn_smears_are_alerted_by_their_flags() -> None:
    assert patients_alerted(judged(), 0.05) == (1, 2)
    assert draws_alerted(judged(), 0.05) == 0.0


def test_the_tables_say_what_passed() -> None:
    text = tables("cnn", [judged()], 0.05)
    assert "| cells | 60 | 0.0 % | 1.0000 | 1.0000 |" in text
    assert "| 0.00 (1.00) |" in text
    assert "1 of 2" in text


def test_the_halves_of_the_patients_do_not_mix() -> None:
    names = [f"Patient_{k}" for k in range(100)]
    halves = [in_development(name) for name in names]
    assert 30 < sum(halves) < 70
    assert halves == [in_development(f"{name}:APL") for name in names]
