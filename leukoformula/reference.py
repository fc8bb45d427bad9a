"""The choice of reference ranges by one word, and the set that is stored with a result."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cells.errors import DataError
from counting.ranges import Range, ReferenceSet, Stratum
from counting.ranges_file import BUILTIN, SCHEMA, load_builtin, load_file, parse_ranges


def load_ranges(choice: str) -> ReferenceSet:
    """Load a set of reference ranges.

    Parameters
    ----------
    choice : str
        Name of a built-in set, or path of a JSON file of the user's own.

    Returns
    -------
    ReferenceSet
        The set.

    Raises
    ------
    UsageError
        Where there is neither a set nor a file of that name.
    InputError
        Where the file cannot be read.
    DataError
        Where its content is at fault, or it has the name of a built-in set: a report must not pass a
        laboratory's limits off as those of the program.
    """
    if choice in BUILTIN or not Path(choice).exists():
        return load_builtin(choice)
    found = load_file(Path(choice))
    if found.name.strip().casefold() in BUILTIN:
        raise DataError(
            f"range file {choice}: name is {found.name!r}, and a set of this name comes with the program; "
            "give the set a name of its own"
        )
    return found


def ranges_document(ranges: ReferenceSet) -> dict[str, Any]:
    """Return a set of reference ranges as JSON values, in the format of a range file.

    Parameters
    ----------
    ranges : ReferenceSet
        The set.

    Returns
    -------
    dict
        What ``stored_ranges`` makes the same set of.
    """
    sources = list(dict.fromkeys(row.source for stratum in ranges.strata for row in stratum.rows))
    keys = {source: f"source_{number}" for number, source in enumerate(sources, start=1)}
    return {
        "schema": SCHEMA,
        "name": ranges.name,
        "version": ranges.version,
        "title": {"en": ranges.title_en, "ru": ranges.title_ru},
        "sources": {
            keys[source]: {"title": source.title, **({"address": source.address} if source.address else {})}
            for source in sources
        },
        "strata": [
            {
                **_group(stratum),
                "rows": [
                    {
                        "class": str(row.label),
                        "percent": _pair(row.percent),
                        "absolute": _pair(row.absolute),
                        "source": keys[row.source],
                        "status": row.status,
                    }
                    for row in stratum.rows
                ],
            }
            for stratum in ranges.strata
        ],
    }


def stored_ranges(document: Mapping[str, Any], *, where: str) -> ReferenceSet:
    """Return the set of reference ranges that is stored with a result.

    Parameters
    ----------
    document : mapping
        What ``ranges_document`` gave.
    where : str
        What holds it, for messages.

    Returns
    -------
    ReferenceSet
        The set.

    Raises
    ------
    DataError
        Where a key is missing, unknown or at fault, or the set has the name and version of a built-in one
        and is not the same.
    """
    found = parse_ranges(json.dumps(document), where=where)
    if found.name in BUILTIN:
        shipped = load_builtin(found.name)
        if shipped.version == found.version and shipped != found:
            raise DataError(
                f"{where}: the reference ranges are not those of {found.name} {found.version}; "
                "restore the file, or analyse the smear again"
            )
    return found


def _group(stratum: Stratum) -> dict[str, Any]:
    return {
        "id": stratum.stratum_id,
        "label": {"en": stratum.label_en, "ru": stratum.label_ru},
        "age_from_days": stratum.age_from_days,
        "age_until_days": stratum.age_until_days,
        "sex": stratum.sex,
        "wbc": _pair(stratum.wbc),
    }


def _pair(limits: Range | None) -> list[float] | None:
    return None if limits is None else [limits.low, limits.high]
