"""The verdict in words: which classifier is better, by how much, beyond chance or not, on which classes."""

from collections.abc import Sequence

from cells.vocabulary import CellClass
from evaluation.class_scores import Share
from evaluation.comparison.compare import Comparison, SetResult
from evaluation.comparison.disagreements import word
from evaluation.comparison.formulas import Agreement
from evaluation.comparison.judging import Judgement
from evaluation.comparison.pairs import Difference, Pair


def verdict(comparison: Comparison) -> tuple[str, ...]:
    """Put a comparison into words.

    Parameters
    ----------
    comparison : Comparison
        The comparison.

    Returns
    -------
    tuple of str
        Paragraphs: the whole first where there are several sets, then each set.
    """
    told = []
    overall = comparison.overall
    if overall is not None:
        named = [system.name for system in comparison.systems]
        told.append(
            _told("all sets together", dict(zip(named, overall.accuracy, strict=True)), overall.pairs)
        )
        told += _formulas(overall.agreements)
    for result in comparison.results:
        accuracy = {one.system: one.score.accuracy for one in result.judgements}
        told.append(_told(result.cells.name, accuracy, result.pairs, result))
        told += _formulas(result.agreements)
    told += _doubts(comparison)
    return tuple(told)


def p_text(p: float) -> str:
    """Return a probability as it is printed: ``p = 0.031``, ``p < 0.001``."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def share_text(share: Share) -> str:
    """Return a share with its interval: ``0.843 (0.789–0.887)``."""
    return f"{share.value:.3f} ({share.low:.3f}–{share.high:.3f})" if share.total else "–"


def _told(
    where: str, accuracy: dict[str, Share], pairs: Sequence[Pair], result: SetResult | None = None
) -> str:
    best = max(accuracy, key=lambda name: accuracy[name].hits)
    total = accuracy[best].total
    head = f"On {where} ({total} images) "
    if len(accuracy) == 1:
        return (
            f"{head}{best} has an accuracy of {share_text(accuracy[best])}. There is nothing to compare with."
        )
    against = [_seen_from(best, pair) for pair in pairs if best in (pair.first, pair.second)]
    equal = [other for other, difference, _ in against if not difference.beyond_chance]
    worse = [other for other, difference, _ in against if difference.beyond_chance]
    tied = [name for name, share in accuracy.items() if name != best and share.hits == accuracy[best].hits]
    leads = f"{_joined([best, *tied])} are right equally often" if tied else f"{best} is right most often"
    parts = [f"{head}{leads}: accuracy {share_text(accuracy[best])}."]
    if not worse:
        parts.append(
            f"{best if tied else 'It'} cannot be told apart from {_joined(equal)}: no difference is beyond"
            " chance."
        )
    elif equal:
        parts.append(
            f"It is better than {_joined(worse)} beyond chance, but cannot be told apart from"
            f" {_joined(equal)}."
        )
    else:
        parts.append(f"It is better than {_joined(worse)} beyond chance.")
    parts += [_one(other, pair) for other, _, pair in against]
    parts.append(_classes(best, against, result))
    if result is not None:
        parts.append(_balanced(best, result.judgements))
    return " ".join(filter(None, parts))


def _seen_from(best: str, pair: Pair) -> tuple[str, Difference, Pair]:
    return (pair.second if pair.first == best else pair.first), pair.whole, pair


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _one(other: str, pair: Pair) -> str:
    sign = 1.0 if pair.second == other else -1.0
    ends = sorted((100.0 * sign * pair.gain.low, 100.0 * sign * pair.gain.high))
    low, high = (round(end, 1) + 0.0 for end in ends)  # no −0.0
    points = 100.0 * abs(pair.whole.difference)
    text = (
        f"Lead over {other}: {points:.1f} percent points (95 % {low:.1f} to {high:.1f}; exact McNemar test,"
        f" adjusted {p_text(pair.whole.p_adjusted)})."
    ).replace("-", "−")
    if pair.whole.beyond_chance and low <= 0 <= high:
        text += " The interval, which draws whole groups, holds 0: do not build on this difference."
    return text


def _classes(best: str, against: Sequence[tuple[str, Difference, Pair]], result: SetResult | None) -> str:
    parts = []
    for other, _, pair in against:
        for label, difference in pair.classes.items():
            if difference.beyond_chance:
                lead = difference.difference * (1 if pair.first == best else -1)
                way = "better" if lead > 0 else "worse"
                recalls = _recalls(label, best, other, result)
                parts.append(
                    f"{way} than {other} on {word(label)} ({recalls}{p_text(difference.p_adjusted)})"
                )
    if not parts:
        return "On no single class is a difference beyond chance."
    return f"By class, beyond chance: {'; '.join(parts)}."


def _recalls(label: CellClass, best: str, other: str, result: SetResult | None) -> str:
    if result is None:
        return ""
    recall = {one.system: one.score.recall[label].value for one in result.judgements}
    return f"recall {recall[best]:.3f} against {recall[other]:.3f}, "


def _balanced(best: str, judgements: Sequence[Judgement]) -> str:
    lead = max(judgements, key=lambda one: one.balanced.value)
    own = next(one for one in judgements if one.system == best)
    if lead.balanced.value <= own.balanced.value:
        return ""
    return (
        f"Where every class weighs the same, {lead.system} leads: balanced accuracy"
        f" {lead.balanced.value:.3f} against {own.balanced.value:.3f} of {best}."
    )


def _doubts(comparison: Comparison) -> list[str]:
    seen = sorted({one.system for one in comparison.overlaps if one.shared})
    unknown = sorted({one.system for one in comparison.overlaps if not one.checked})
    told = []
    if seen:
        told.append(
            f"No verdict on unseen cells: some of these images are among the training images of"
            f" {_joined(seen)}."
        )
    if unknown:
        told.append(
            f"Nobody can tell whether these images are among the training images of {_joined(unknown)}."
        )
    return told


def _formulas(agreements: Sequence[Agreement]) -> list[str]:
    told = []
    for one in agreements:
        if not one.classes:
            continue
        good = [c for c in one.classes if c.accepted]
        bad = [word(c.label) for c in one.classes if c.accepted is False]
        open_ = [word(c.label) for c in one.classes if c.accepted is None]
        text = (
            f"Formulas of {one.system} over {one.groups} smears or patients: slope and intercept lie"
            f" within the limits of the regulator's clearance for {len(good)} of {len(one.classes)} classes"
        )
        text += f" (certain for {sum(c.certain for c in good)})" if good else ""
        text += f"; not for {_joined(bad)}" if bad else ""
        text += f"; no line can be drawn for {_joined(open_)}" if open_ else ""
        told.append(f"{text}.")
    return told
