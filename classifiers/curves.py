"""Loss and accuracy against epochs, as a figure."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from reportlab.graphics import renderPDF, renderSVG
from reportlab.graphics.shapes import Drawing, Line, PolyLine, Rect, String
from reportlab.lib.colors import HexColor

from cells.files import atomic_path

_TRAIN, _TEST, _AXIS, _GRID = "#1f5a8c", "#c0562b", "#444444", "#dddddd"
_WIDTH, _HEIGHT, _GAP = 300.0, 200.0, 50.0


class Epoch(NamedTuple):
    """One line of the history.

    Parameters
    ----------
    epoch : int
        From 1.
    loss, accuracy : float
        Mean over the training images, as augmented, while the weights moved.
    test_loss, test_accuracy : float
        Over the test images after the epoch.
    seconds : float
        Time that the epoch took.
    """

    epoch: int
    loss: float
    accuracy: float
    test_loss: float
    test_accuracy: float
    seconds: float


def draw_curves(history: Sequence[Epoch], *, title: str) -> Drawing:
    """Draw loss and accuracy of both sets against epochs.

    Parameters
    ----------
    history : sequence of Epoch
        At least one epoch.
    title : str
        Stands above the figure.

    Returns
    -------
    Drawing
        Two panels side by side: loss from 0, accuracy from 0 to 1.
    """
    drawing = Drawing(2 * _WIDTH + 3 * _GAP, _HEIGHT + 2 * _GAP)
    drawing.add(String(_GAP, _HEIGHT + 1.6 * _GAP, title, fontName="Helvetica-Bold", fontSize=11))
    top = max(max(e.loss, e.test_loss) for e in history) * 1.05 or 1.0
    epochs = [e.epoch for e in history]
    losses = [[e.loss for e in history], [e.test_loss for e in history]]
    shares = [[e.accuracy for e in history], [e.test_accuracy for e in history]]
    _panel(drawing, _GAP, "loss", epochs=epochs, series=losses, top=top)
    _panel(drawing, 2 * _GAP + _WIDTH, "accuracy", epochs=epochs, series=shares, top=1.0)
    return drawing


def _panel(
    drawing: Drawing, left: float, name: str, *, epochs: list[int], series: list[list[float]], top: float
) -> None:
    bottom, last = _GAP, max(epochs[-1], epochs[0] + 1)

    def x(epoch: float) -> float:
        return left + _WIDTH * (epoch - epochs[0]) / (last - epochs[0])

    def y(value: float) -> float:
        return bottom + _HEIGHT * value / top

    for k in range(6):
        value = top * k / 5
        drawing.add(
            Line(left, y(value), left + _WIDTH, y(value), strokeColor=HexColor(_GRID), strokeWidth=0.5)
        )
        drawing.add(String(left - 4, y(value) - 3, f"{value:.2f}", fontSize=8, textAnchor="end"))
    for k in range(5):
        epoch = round(epochs[0] + (last - epochs[0]) * k / 4)
        drawing.add(String(x(epoch), bottom - 12, str(epoch), fontSize=8, textAnchor="middle"))
    drawing.add(
        Rect(left, bottom, _WIDTH, _HEIGHT, fillColor=None, strokeColor=HexColor(_AXIS), strokeWidth=0.6)
    )
    drawing.add(String(left + _WIDTH / 2, bottom - 26, "epoch", fontSize=9, textAnchor="middle"))
    drawing.add(String(left, bottom + _HEIGHT + 6, name, fontSize=9))
    for number, (values, colour, text) in enumerate(
        zip(series, (_TRAIN, _TEST), ("training", "test"), strict=True)
    ):
        points = [place for e, v in zip(epochs, values, strict=True) for place in (x(e), y(v))]
        if len(epochs) == 1:
            points = [points[0] - 2, points[1], points[0] + 2, points[1]]
        drawing.add(PolyLine(points, strokeColor=HexColor(colour), strokeWidth=1.4))
        drawing.add(
            String(
                left + _WIDTH - 90 + 50 * number,
                bottom + _HEIGHT + 6,
                text,
                fontSize=9,
                fillColor=HexColor(colour),
            )
        )


def write_curves(history: Sequence[Epoch], folder: Path, *, title: str) -> None:
    """Write the figure as ``curves.svg`` and ``curves.pdf``.

    Parameters
    ----------
    history : sequence of Epoch
        At least one epoch.
    folder : Path
        Where they go.
    title : str
        Stands above the figure.

    Raises
    ------
    InputError
        Where the files cannot be written.
    """
    drawing = draw_curves(history, title=title)
    with atomic_path(folder / "curves.svg") as temporary:
        renderSVG.drawToFile(drawing, str(temporary))
    with atomic_path(folder / "curves.pdf") as temporary:
        renderPDF.drawToFile(drawing, str(temporary))
