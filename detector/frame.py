"""The counting frame: which cells at the border of a field are counted."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cell lies in the counting frame.

    Parameters
    ----------
    at_border : bool
        Whether the image border cuts the cell.
    counted : bool
        Whether the rule counts it.
    """

    at_border: bool
    counted: bool


def place_in_frame(depths: Sequence[float], *, diameter: float) -> Place:
    """Apply the associated-point rule: a cell is counted in the field that its centre lies in.

    Parameters
    ----------
    depths : sequence of float
        For every border that cuts the cell, how far the visible part reaches from that border into the
        field; empty for a whole cell.
    diameter : float
        Diameter of the whole cell, in the same unit.

    Returns
    -------
    Place
        ``counted`` unless less than half of the diameter is visible across a border: the centre of the whole
        cell then lies outside the field.

    References
    ----------
    Gundersen 1977, doi 10.1111/j.1365-2818.1977.tb00062.x, shows the bias of counting whatever is visible.
    The associated-point rule gives every cell the same chance whatever its size, as the forbidden-line rule
    given there does; it differs in keeping cells that are cut by less than half at any border, where the
    forbidden line would drop about a quarter of the cells of a field six erythrocytes wide.
    """
    return Place(at_border=bool(depths), counted=all(depth >= 0.5 * diameter for depth in depths))
