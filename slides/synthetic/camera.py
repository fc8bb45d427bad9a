"""From dye on the slide to the pixels of a camera: absorption, optics, lamp, sensor."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import UsageError
from cells.records import RGBImage
from slides.synthetic.stains import Stain

_HALO_SIGMAS = 4.0
_SHARPENING_UM = 0.45
_LN10 = 2.302585093


@dataclass(frozen=True, slots=True)
class Camera:
    """A microscope with its lamp and its camera.

    Parameters
    ----------
    um_per_px : float
        Pixel size, in µm per pixel, above 0.
    blur_um : float
        Standard deviation of the point spread function, in µm, 0 or more; about 0.1 for a focused oil
        objective.
    noise : float
        Standard deviation of the sensor noise at full light, as a share of full scale, 0 or more.
    white : tuple of 3 floats
        RGB of the empty slide in the middle of the field, 1 to 255.
    gradient : tuple of 2 floats
        Relative change of the light from the upper to the lower border and from the left to the right one.
    vignette : float
        Relative loss of light in the corners, 0 to 1.
    flare : float
        Stray light over the whole field, relative to the empty slide, 0 or more; it limits how dark a nucleus
        can be.
    sharpening : float
        Strength of the edge enhancement of the camera's processor, 0 or more.
    jpeg_quality : int or None
        Quality, 1 to 100, of a JPEG compression that the picture has gone through, or None.

    Raises
    ------
    UsageError
        Where a parameter is out of range.
    """

    um_per_px: float = 0.1
    blur_um: float = 0.12
    noise: float = 0.008
    white: tuple[float, float, float] = (238.0, 234.0, 230.0)
    gradient: tuple[float, float] = (0.0, 0.0)
    vignette: float = 0.0
    flare: float = 0.035
    sharpening: float = 0.0
    jpeg_quality: int | None = None

    def __post_init__(self) -> None:
        if not self.um_per_px > 0:
            raise UsageError(f"um_per_px is {self.um_per_px}; give a pixel size above 0 µm")
        if min(self.blur_um, self.noise, self.flare, self.sharpening) < 0:
            raise UsageError(
                "blur_um, noise, flare or sharpening of a synthetic camera is below 0; give 0 or more"
            )
        if not (min(self.white) >= 1 and max(self.white) <= 255):
            raise UsageError(f"white point {self.white} of a synthetic camera is out of range; give 1 to 255")

    @property
    def halo_px(self) -> int:
        """How far, in pixels, the optics carry light."""
        reach = self.blur_um * _HALO_SIGMAS + (_SHARPENING_UM * _HALO_SIGMAS if self.sharpening else 0.0)
        return int(np.ceil(reach / self.um_per_px)) + 2

    def with_um_per_px(self, um_per_px: float) -> "Camera":
        """Return the same camera at another pixel size (µm per pixel)."""
        return replace(self, um_per_px=um_per_px)

    @staticmethod
    def random(rng: np.random.Generator, *, um_per_px: float = 0.1) -> "Camera":
        """Draw a microscope: white balance, focus, noise, lamp, processing.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of chance.
        um_per_px : float, default 0.1
            Pixel size, in µm per pixel.

        Returns
        -------
        Camera
            Camera with the given pixel size.
        """
        lamp = np.array(_LAMPS[rng.integers(len(_LAMPS))])
        white = np.clip(lamp * np.exp(rng.normal(0.0, 0.03, 3)) * rng.uniform(0.88, 1.06), 60.0, 255.0)
        red, green, blue = (float(value) for value in white)
        gradient = (float(rng.normal(0.0, 0.05)), float(rng.normal(0.0, 0.05)))
        return Camera(
            um_per_px=um_per_px,
            blur_um=float(np.exp(rng.uniform(np.log(0.08), np.log(0.34)))),
            noise=float(np.exp(rng.uniform(np.log(0.002), np.log(0.02)))),
            white=(red, green, blue),
            gradient=gradient,
            vignette=float(rng.uniform(0.0, 0.15)) if rng.random() < 0.5 else 0.0,
            flare=float(rng.uniform(0.0, 0.08)),
            sharpening=float(rng.uniform(0.2, 1.0)) if rng.random() < 0.5 else 0.0,
            jpeg_quality=int(rng.integers(60, 98)) if rng.random() < 0.6 else None,
        )


_LAMPS = (
    (254.0, 230.0, 202.0),
    (233.0, 225.0, 235.0),
    (222.0, 190.0, 176.0),
    (216.0, 214.0, 220.0),
    (205.0, 195.0, 165.0),
    (160.0, 170.0, 112.0),
    (246.0, 244.0, 240.0),
)

SCANNER = Camera(um_per_px=0.1, blur_um=0.11, noise=0.004, white=(250.0, 232.0, 208.0), sharpening=0.35)
"""A focused slide scanner with warm lamp."""

BENCH_MICROSCOPE = Camera(
    um_per_px=0.1,
    blur_um=0.2,
    noise=0.012,
    white=(218.0, 212.0, 214.0),
    gradient=(0.05, -0.04),
    vignette=0.08,
)
"""A bench microscope with a colour camera, lamp a little off its axis."""

SMARTPHONE = Camera(
    um_per_px=0.1,
    blur_um=0.24,
    noise=0.012,
    white=(222.0, 192.0, 176.0),
    gradient=(0.06, 0.08),
    vignette=0.15,
    sharpening=0.8,
    jpeg_quality=80,
)
"""A telephone held to the eyepiece."""

CAMERAS: tuple[Camera, ...] = (SCANNER, BENCH_MICROSCOPE, SMARTPHONE)
"""The named cameras."""


def expose(
    dyes: NDArray[np.float32],
    stain: Stain,
    camera: Camera,
    *,
    rng: np.random.Generator,
    origin: tuple[int, int] = (0, 0),
    shape: tuple[int, int] | None = None,
) -> RGBImage:
    """Photograph a piece of a field.

    Parameters
    ----------
    dyes : ndarray of shape (4, M, N), float32
        Amount of each dye, 0 or more.
    stain : Stain
        What each dye absorbs.
    camera : Camera
        Optics, lamp and sensor; its JPEG compression is left to ``compress``.
    rng : numpy.random.Generator
        Source of the sensor noise.
    origin : tuple of 2 ints, default (0, 0)
        Row and column of the piece in its field, which the lamp lights.
    shape : tuple of 2 ints, optional
        Rows and columns of the field; those of ``dyes`` by default.

    Returns
    -------
    ndarray of shape (M, N, 3), uint8
        RGB image.
    """
    height, width = dyes.shape[1:]
    vectors = stain.vectors()
    density = dyes.reshape(len(dyes), -1).T @ (vectors * -_LN10)
    density -= np.float32(stain.plasma * _LN10) * vectors[-1]
    light = np.exp(density, out=density).reshape(height, width, 3)
    light = _optics(light, camera)
    light += np.float32(camera.flare)
    light *= np.float32(1.0 / (1.0 + camera.flare))
    lamp = _lamp(camera, origin, (height, width), shape or (height, width))
    light *= lamp[..., None] * np.asarray(camera.white, np.float32)
    if camera.noise:
        noise = rng.standard_normal(light.shape, np.float32)
        noise *= np.sqrt(np.maximum(light, 12.0) * np.float32(255.0)) * np.float32(camera.noise)
        light += noise
    return np.clip(np.rint(light), 0, 255).astype(np.uint8)


def compress(image: RGBImage, quality: int | None) -> RGBImage:
    """Send an image through JPEG compression; without a quality, give it back as it is.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB image.
    quality : int or None
        JPEG quality, 1 to 100.

    Returns
    -------
    ndarray of shape (M, N, 3), uint8
        RGB image with the traces of the compression.
    """
    if quality is None:
        return image
    _, coded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])


def _optics(light: NDArray[np.float32], camera: Camera) -> NDArray[np.float32]:
    sharp = _blurred(light, camera.blur_um / camera.um_per_px)
    if camera.sharpening:
        soft = _blurred(sharp, _SHARPENING_UM / camera.um_per_px)
        sharp = np.maximum(sharp + np.float32(camera.sharpening) * (sharp - soft), np.float32(0.0))
    return sharp


def _blurred(light: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    if sigma < 0.05:
        return light
    side = 2 * int(np.ceil(3.5 * sigma)) + 1
    return cv2.GaussianBlur(light, (side, side), sigma, borderType=cv2.BORDER_REFLECT).astype(
        np.float32, copy=False
    )


def _lamp(
    camera: Camera, origin: tuple[int, int], size: tuple[int, int], shape: tuple[int, int]
) -> NDArray[np.float32]:
    down, right = (
        (np.arange(first, first + count, dtype=np.float32) + 0.5) / total - 0.5
        for first, count, total in zip(origin, size, shape, strict=True)
    )
    rows, cols = down[:, None], right[None, :]
    lamp = 1.0 + camera.gradient[0] * rows + camera.gradient[1] * cols
    lamp = lamp - camera.vignette * 2.0 * (rows**2 + cols**2)
    return np.maximum(lamp, 0.05).astype(np.float32)
