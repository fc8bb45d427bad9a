"""Saliency maps: made of attributions, drawn over the cell, stored. Needs no TensorFlow."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.files import atomic_path
from slides.own_pictures import mark_png


def heat_of(attributions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a heat map of attributions: what speaks for the class, summed over the channels, smoothed.

    Parameters
    ----------
    attributions : ndarray of shape (height, width, 3), float32
        Of ``integrated_gradients``.

    Returns
    -------
    ndarray of shape (height, width), float32
        0 to 1; the 99th percentile is 1.
    """
    summed = np.maximum(attributions.sum(axis=2), 0.0).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(summed, (0, 0), max(1.0, min(summed.shape) / 50.0)), np.float32)
    top = float(np.percentile(smooth, 99.0))
    return np.asarray(np.clip(smooth / top, 0.0, 1.0) if top > 0 else np.zeros_like(smooth), np.float32)


def draw_over(
    cell: NDArray[np.uint8], heat: NDArray[np.float32], *, strength: float = 0.5
) -> NDArray[np.uint8]:
    """Return a cell with a heat map over it, the colour the stronger the hotter.

    Parameters
    ----------
    cell : ndarray of shape (M, N, 3), uint8
        RGB image; it is not written to.
    heat : ndarray of shape (K, L), float32
        0 to 1; enlarged to the cell.
    strength : float, optional
        Weight of the colour where the heat is 1, 0 to 1.

    Returns
    -------
    ndarray of shape (M, N, 3), uint8
        Perceptually even colours (Viridis), so that grey print keeps the order.
    """
    height, width = cell.shape[:2]
    fitted = np.clip(cv2.resize(heat, (width, height), interpolation=cv2.INTER_LINEAR), 0.0, 1.0)
    colours = cv2.applyColorMap(np.rint(fitted * 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)[:, :, ::-1]
    weight = (strength * fitted)[:, :, None]
    return np.asarray(np.rint((1.0 - weight) * cell + weight * colours), np.uint8)


def write_saliency(cell: NDArray[np.uint8], heat: NDArray[np.float32], folder: Path, *, name: str) -> Path:
    """Store a saliency map: the cell with the map over it as PNG, the map itself as a plain array.

    Parameters
    ----------
    cell : ndarray of shape (M, N, 3), uint8
        RGB image.
    heat : ndarray of shape (K, L), float32
        0 to 1.
    folder : Path
        Where ``NAME.png`` and ``NAME.npz`` (array ``heat``) go.
    name : str
        File name without ending.

    Returns
    -------
    Path
        The PNG.

    Raises
    ------
    InputError
        Where the folder cannot be written.
    """
    picture = folder / f"{name}.png"
    with atomic_path(picture) as temporary:
        _, content = cv2.imencode(".png", draw_over(cell, heat)[:, :, ::-1])
        temporary.write_bytes(mark_png(content.tobytes()))
    with atomic_path(folder / f"{name}.npz") as temporary:
        np.savez_compressed(temporary, heat=heat)
    return picture
