"""What the commands that work image by image say of refused images, and how they end."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cells.errors import NoSmearError, PartialFailure
from commands.console import say

if TYPE_CHECKING:
    from cells.records import Refusal

SHOWN = 20
"""So many refused images are named on standard error; the others are counted."""


def warn_of(refused: "Sequence[Refusal]") -> None:
    """Name the refused images on standard error.

    Parameters
    ----------
    refused : sequence of Refusal
        The images and why.
    """
    for item in refused[:SHOWN]:
        say(f"warning: {item.name} is left out: {item.reason}")
    if len(refused) > SHOWN:
        say(f"warning: {len(refused) - SHOWN} more images are left out")


def exit_code(done: int, refused: "Sequence[Refusal]") -> int:
    """Name the refused images and return the exit code of a command that works image by image.

    Parameters
    ----------
    done : int
        Number of images that were worked on.
    refused : sequence of Refusal
        The images that were not, and why.

    Returns
    -------
    int
        0 where none was refused, else 4.

    Raises
    ------
    NoSmearError
        Where nothing was done.
    """
    if not done:
        reason = f" ({refused[0].name}: {refused[0].reason})" if refused else ""
        raise NoSmearError(
            f"none of the {len(refused)} images can be used{reason}; give images of a stained smear"
        )
    warn_of(refused)
    return PartialFailure.exit_code if refused else 0
