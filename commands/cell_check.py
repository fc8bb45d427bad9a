"""The warnings that images of single cells have other colours or another scale than they are read with."""

from typing import TYPE_CHECKING

from commands.console import say

if TYPE_CHECKING:
    from commands.cell_images import CellImage

_MOST_VALUES = 3_000_000


class CellCheck:
    """Takes the images of a list as they come and warns at its end of what speaks against all of them.

    Parameters
    ----------
    count : int
        Length of the list.
    """

    def __init__(self, count: int) -> None:
        from slides.crop_check import SAMPLED

        self._most, self._stride = SAMPLED, max(1, count // SAMPLED)
        self._passed = 0
        self._sample: list[CellImage] = []

    def add(self, item: "CellImage") -> None:
        """Take an image, or let it pass.

        Parameters
        ----------
        item : CellImage
            The image; one of more than a megapixel is no image of one cell and passes.
        """
        turn = self._passed % self._stride == 0
        self._passed += 1
        if turn and len(self._sample) < self._most and item.image.size <= _MOST_VALUES:
            self._sample.append(item)

    def warn(self) -> None:
        """Say what speaks against the images; nothing where they tell nothing, as tight crops do."""
        from statistics import median

        from slides.crop_check import check_crops

        doubts = check_crops([(item.image, item.white, item.erythrocyte_px) for item in self._sample])
        if doubts.grey:
            say(
                "warning: the images are grey, but cells are told by the colours of their stain; do not trust"
                " the result, photograph the cells in colour"
            )
        if doubts.swapped:
            say(
                "warning: red and blue seem to be swapped (BGR instead of RGB?): nuclei absorb blue more than"
                " red; do not trust the result, correct the order of the channels and run again"
            )
        if doubts.size is not None:
            stated = median(item.erythrocyte_px for item in self._sample)
            say(
                f"warning: the erythrocytes beside the cells measure about {doubts.size * stated:.0f} px"
                f" ({doubts.outlines} outlines), not {stated:.0f}; do not trust the result, give their"
                " diameter with --erythrocyte-px or in the manifest"
            )
