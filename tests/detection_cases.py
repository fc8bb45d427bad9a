"""Small drawn fields with truth in every format, and a stand-in for the detector."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from cells.records import Detection, RGBImage, WhitePoint
from cells.units import Pixels
from detector.truth import Box

ERYTHROCYTE_PX = 40.0
SHAPE = (240, 320)


@dataclass
class FixedCascade:
    threshold: float = 0.1

    def ungated(self) -> "FixedCascade":
        return self


@dataclass
class FixedScanner:
    """Answers what it was told for an image, which it knows by its first pixel."""

    finds: dict[int, list[Detection]] = field(default_factory=dict)
    cascade: FixedCascade = field(default_factory=FixedCascade)

    def detect(
        self, image: RGBImage, *, white: WhitePoint, erythrocyte_px: float, threshold: float | None = None
    ) -> list[Detection]:
        assert white.shape == (3,)
        assert erythrocyte_px > 0
        least = self.cascade.threshold if threshold is None else threshold
        known = self.finds.get(int(image[0, 0, 0]), [])
        return sorted((f for f in known if f.score >= least), key=lambda f: (-f.score, f.row, f.col))


def find(row: float, col: float, score: float = 0.5, size: float = 60.0, **more: bool) -> Detection:
    return Detection(row, col, Pixels(size), score, **more)


def box(row: float, col: float, size: float = 60.0, label: str = "leukocyte") -> Box:
    half = size / 2
    return Box(col + 0.5 - half, row + 0.5 - half, col + 0.5 + half, row + 0.5 + half, label)


def paint(number: int, cells: list[tuple[float, float]] = (), shape: tuple[int, int] = SHAPE) -> RGBImage:  # type: ignore[assignment]
    """Draw a pale slide with erythrocyte discs and dark nuclei; the first pixel holds the number."""
    image = np.full((*shape, 3), (232, 230, 236), np.uint8)
    for col in range(30, shape[1], 55):
        for row in (30, shape[0] - 30):
            cv2.circle(image, (col, row), 19, (222, 160, 170), -1, cv2.LINE_AA)
    for row, col in cells:
        cv2.circle(image, (round(col), round(row)), 30, (205, 190, 222), -1, cv2.LINE_AA)
        cv2.circle(image, (round(col), round(row)), 20, (95, 45, 140), -1, cv2.LINE_AA)
    image[0, 0] = number
    return image


def write_image(path: Path, image: RGBImage) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.ascontiguousarray(image[..., ::-1]))


def write_voc(path: Path, boxes: list[Box], shape: tuple[int, int] = SHAPE) -> None:
    objects = "".join(
        f"<object><name>{one.label}</name><bndbox><xmin>{one.x0}</xmin><ymin>{one.y0}</ymin>"
        f"<xmax>{one.x1}</xmax><ymax>{one.y1}</ymax></bndbox></object>"
        for one in boxes
    )
    size = f"<size><width>{shape[1]}</width><height>{shape[0]}</height></size>"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<annotation>{size}{objects}</annotation>", encoding="utf-8")


def write_yolo(path: Path, boxes: list[Box], shape: tuple[int, int] = SHAPE) -> None:
    numbers = {"leukocyte": 0, "erythrocyte": 1, "platelet": 2}
    lines = [
        f"{numbers[one.label]} {(one.x0 + one.x1) / 2 / shape[1]} {(one.y0 + one.y1) / 2 / shape[0]}"
        f" {one.width / shape[1]} {one.height / shape[0]}"
        for one in boxes
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")


def coco_document(fields: dict[str, list[Box]], shape: tuple[int, int] = SHAPE) -> dict[str, Any]:
    names = sorted({one.label for boxes in fields.values() for one in boxes} | {"leukocyte"})
    images, annotations = [], []
    for number, (name, boxes) in enumerate(fields.items(), 1):
        images.append({"id": number, "file_name": name, "height": shape[0], "width": shape[1]})
        for one in boxes:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": names.index(one.label) + 1,
                    "bbox": [one.x0, one.y0, one.width, one.height],
                }
            )
    categories = [{"id": number, "name": name} for number, name in enumerate(names, 1)]
    return {"images": images, "annotations": annotations, "categories": categories}


def write_coco(path: Path, fields: dict[str, list[Box]]) -> None:
    path.write_text(json.dumps(coco_document(fields)), encoding="utf-8")


FIELDS: dict[str, list[Box]] = {
    "a.png": [box(100, 100), box(120, 220)],
    "b.png": [box(120, 160)],
    "empty.png": [],
    "missed.png": [box(90, 90), box(140, 240)],
}
"""Truth of a small set."""

CELLS = {name: [one.centre for one in boxes] for name, boxes in FIELDS.items()}


def write_set(folder: Path, form: str) -> tuple[Path, Path, FixedScanner]:
    """Write the small set; at its threshold of 0.1 the scanner finds 4 of 5 leukocytes and 2 false ones."""
    images = folder / "images"
    finds = {}
    for number, (name, boxes) in enumerate(FIELDS.items()):
        write_image(images / name, paint(number, CELLS[name]))
        finds[number] = [find(*one.centre, score=0.5 - 0.05 * place) for place, one in enumerate(boxes)]
        if form == "voc":
            write_voc(folder / "truth" / f"{name[:-4]}.xml", boxes)
        elif form == "yolo":
            write_yolo(folder / "truth" / f"{name[:-4]}.txt", boxes)
    truth = folder / "truth"
    if form == "coco":
        truth = folder / "truth.json"
        write_coco(truth, FIELDS)
    finds[1].append(find(30, 85, 0.3, 40.0))
    finds[2].append(find(200, 250, 0.7, 55.0))
    finds[3][1] = find(140, 240, -0.2)
    return images, truth, FixedScanner(finds)
