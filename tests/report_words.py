"""Finds words of another language in a report."""

import re

from leukoformula.result import SmearResult

_TERMS = {"AdaBoost", "SHA", "PNG", "JPEG", "BMP", "TIFF", "leukoformula", "result", "json", "report", "html"}
_WORD = re.compile(r"[A-Za-z]{2,}")


def foreign_words(text: str, result: SmearResult) -> set[str]:
    """Return the words in Latin letters that are neither names of the result's own nor terms."""
    own = [result.name, result.classifier, *result.settings, *map(str, result.settings.values())]
    own += [part for pair in result.versions.items() for part in pair]
    own += [part for model in result.models for part in (model.name, model.kind, model.sha256)]
    own += [field.name for field in result.fields] + [refusal.name for refusal in result.refused]
    own += [result.formula.ranges_source]
    own += [comment.rule for comment in result.formula.comments]
    known = _TERMS | {word for one in own for word in _WORD.findall(one)}
    cited = result.formula.ranges_source  # a long address may break at the end of a line
    return {word for word in set(_WORD.findall(text)) - known if word not in cited}
