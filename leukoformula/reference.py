"""The choice of reference ranges by one word: a built-in name or the path of a file."""

from pathlib import Path

from counting.ranges import ReferenceSet
from counting.ranges_file import BUILTIN, load_builtin, load_file


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
        Where its content is at fault.
    """
    if choice in BUILTIN or not Path(choice).exists():
        return load_builtin(choice)
    return load_file(Path(choice))
