"""Indices and corrected shares as values for other systems."""

import math
from collections.abc import Iterator

from counting.records import CorrectedShare, Index, LeukocyteFormula
from reports.interfaces.codes import CODES, PERCENT, RATIO
from reports.interfaces.numbers import ABSOLUTE_DIGITS, PERCENT_DIGITS, as_given, fixed, outward
from reports.interfaces.observed import Limits, Observed
from reports.texts import Language


def indices(formula: LeukocyteFormula, language: Language) -> Iterator[Observed]:
    """Yield the leukocyte indices that are given; suppressed ones are left out."""
    for one in formula.indices:
        if one.value is not None and math.isfinite(one.value) and f"index.{one.code}" in CODES:
            yield _index(one, formula, language)


def _index(one: Index, formula: LeukocyteFormula, language: Language) -> Observed:
    low, high = outward(one.low, one.high, ABSOLUTE_DIGITS)
    usual = one.usual
    return Observed(
        f"index.{one.code}",
        language.text(f"index.{one.code}"),
        fixed(one.value or 0.0, ABSOLUTE_DIGITS),
        RATIO,
        low=low,
        high=high,
        limits=None
        if usual is None
        else Limits(
            as_given(usual.low),
            as_given(usual.high),
            language.limits(usual.low, usual.high),
            language.text("interface.usual"),
            usual=True,
        ),
        method="calculated",
        notes=(language.text("interface.unverified"),) if one.status == "unverified" and usual else (),
        sources=tuple(f"{line.label}.percent" for line in formula.lines if not line.label.children),
    )


def corrected(formula: LeukocyteFormula, language: Language) -> Iterator[Observed]:
    """Yield the shares corrected for the errors of detector and classifier, where there are any."""
    found = formula.correction
    if found is None:
        return
    for share in found.shares:
        if f"{share.label}.corrected" in CODES:
            yield _corrected(share, language)
    if found.missed_percent is not None:
        missed = fixed(found.missed_percent, PERCENT_DIGITS)
        name = language.text("interface.missed")
        yield Observed("missed.percent", name, missed, PERCENT, method="corrected")


def _corrected(share: CorrectedShare, language: Language) -> Observed:
    low, high = outward(share.low, share.high, PERCENT_DIGITS)
    return Observed(
        f"{share.label}.corrected",
        language.text("interface.corrected", name=language.label(share.label)),
        fixed(share.percent, PERCENT_DIGITS),
        PERCENT,
        low=low,
        high=high,
        method="corrected",
        sources=(f"{share.label}.percent",),
    )
