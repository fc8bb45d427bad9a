import errno
import io
import json
import os
import struct
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from slides_drawing import draw_discs

from cells.errors import InputError
from cells.records import Field, Refusal
from slides.decode import MAX_PIXELS, decode
from slides.own_pictures import is_mask, mark_png, own_pictures
from slides.reader import open_smear, printable, read_image

SMEAR = draw_discs(30, shape=(150, 200))
NOISY = np.clip(SMEAR + np.random.default_rng(0).normal(0, 3, SMEAR.shape), 0, 255).astype(np.uint8)


def save(path: Path, image: np.ndarray = SMEAR, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, **options)
    return path


def only(path: Path) -> Field:
    (field,) = open_smear(path).fields()
    assert isinstance(field, Field), field
    return field


def reason(path: Path) -> str:
    (refusal,) = open_smear(path).fields()
    assert isinstance(refusal, Refusal)
    assert "\n" not in refusal.reason
    return refusal.reason


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "TIFF", "jpg", "JPeG"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    field = only(
        save(tmp_path / f"field.{suffix}", quality=95)
        if "j" in suffix.lower()
        else save(tmp_path / f"f.{suffix}")
    )
    difference = np.abs(field.image.astype(int) - SMEAR).max()
    assert difference == 0 or ("j" in suffix.lower() and difference < 40)
    assert field.image.dtype == np.uint8
    assert not field.image.flags.writeable
    assert field.white_point.shape == (3,)
    assert field.um_per_px is None


@pytest.mark.parametrize(("bits", "alpha"), [(8, False), (12, False), (16, False), (8, True), (16, True)])
def test_depth_and_alpha_of_png(tmp_path: Path, bits: int, alpha: bool) -> None:
    order = cv2.COLOR_RGB2BGRA if alpha else cv2.COLOR_RGB2BGR
    values = cv2.cvtColor(SMEAR, order).astype(np.uint16) << (bits - 8)
    if alpha:
        values[..., 3] = 2**bits - 1
    cv2.imwrite(str(tmp_path / "f.png"), values.astype(np.uint8) if bits == 8 else values)
    assert np.abs(read_image(tmp_path / "f.png").astype(int) - SMEAR).max() <= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("photometric", ["rgb", "minisblack"])
def test_tiff_depths(tmp_path: Path, dtype: type, photometric: str) -> None:
    image = SMEAR if photometric == "rgb" else SMEAR[..., 1]
    values = image.astype(np.uint16) << 8 if dtype is np.uint16 else image
    values = (image / 255).astype(np.float32) if dtype is np.float32 else values.astype(dtype)
    tifffile.imwrite(tmp_path / "f.tif", values, photometric=photometric)
    expected = image if photometric == "rgb" else np.dstack([image] * 3)
    assert np.abs(read_image(tmp_path / "f.tif").astype(int) - expected).max() <= 1


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"])
def test_compressed_tiff(tmp_path: Path, compression: str) -> None:
    save(tmp_path / "f.tif", compression=compression)
    assert np.abs(read_image(tmp_path / "f.tif").astype(int) - SMEAR).mean() < 4


def test_grey_and_palette(tmp_path: Path) -> None:
    grey = read_image(save(tmp_path / "grey.png", SMEAR[..., 1]))
    assert np.array_equal(grey, np.dstack([SMEAR[..., 1]] * 3))
    for name in ("p.png", "p.bmp", "p.tif"):
        Image.fromarray(SMEAR).quantize(64).save(tmp_path / name)
        read = read_image(tmp_path / name)
        assert np.array_equal(read, np.asarray(Image.open(tmp_path / name).convert("RGB")))
        assert np.abs(read.astype(int) - SMEAR).mean() < 10


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_inks_are_read_in_every_format(tmp_path: Path, compression: str | None) -> None:
    inks = Image.fromarray(SMEAR).convert("CMYK")
    inks.save(tmp_path / "f.jpg", quality=98, subsampling=0)
    inks.save(tmp_path / "f.tif", compression=compression)
    assert np.array_equal(read_image(tmp_path / "f.tif"), np.asarray(inks.convert("RGB")))
    difference = read_image(tmp_path / "f.tif").astype(int) - read_image(tmp_path / "f.jpg")
    assert np.abs(difference).mean() < 4
    assert isinstance(only(tmp_path / "f.tif"), Field)


@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_inks_of_sixteen_bits_and_of_other_numbers(tmp_path: Path, planes: str) -> None:
    inks = np.asarray(Image.fromarray(SMEAR).convert("CMYK"))
    stored = inks if planes == "contig" else np.moveaxis(inks, -1, 0)
    for dtype, name in ((np.uint8, "a.tif"), (np.uint16, "b.tif"), (np.float32, "c.tif")):
        values = stored.astype(dtype) << 8 if dtype is np.uint16 else stored.astype(dtype)
        tifffile.imwrite(tmp_path / name, values, photometric="separated", planarconfig=planes)
    assert np.array_equal(read_image(tmp_path / "a.tif"), read_image(tmp_path / "b.tif"))
    with pytest.raises(InputError, match="holds values of type float32"):
        read_image(tmp_path / "c.tif")


def test_inverted_grey_tiff(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "f.tif", 255 - SMEAR[..., 1], photometric="miniswhite")
    assert np.array_equal(read_image(tmp_path / "f.tif")[..., 0], SMEAR[..., 1])


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    image = np.dstack([SMEAR, np.full(SMEAR.shape[:2], 255, np.uint8)])
    image[:40, :40, 3] = 0
    read = read_image(save(tmp_path / "f.png", image))
    assert (read[:40, :40] == 255).all()
    assert np.array_equal(read[40:], SMEAR[40:])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("extra", "hidden"), [("unspecified", False), ("unassalpha", True), ("assocalpha", True)]
)
def test_a_fourth_channel_is_what_the_tiff_says(
    tmp_path: Path, extra: str, hidden: bool, dtype: type
) -> None:
    shift = 0 if dtype is np.uint8 else 4
    image = np.dstack([SMEAR, np.zeros(SMEAR.shape[:2], np.uint8)]).astype(dtype) << shift
    image[40:, :, 3] = np.iinfo(dtype).max
    if extra == "assocalpha":
        image[:40] = 0
    tifffile.imwrite(tmp_path / "f.tif", image, photometric="rgb", extrasamples=[extra])
    read = read_image(tmp_path / "f.tif").astype(int)
    assert np.abs(read[40:] - SMEAR[40:]).max() <= 1
    assert np.abs(read[:40] - (SMEAR[:40] if extra == "unspecified" else 255)).max() <= 1


@pytest.mark.parametrize("photometric", ["cielab", "icclab", "linear_raw", "cfa"])
def test_colours_that_are_no_rgb_are_refused(tmp_path: Path, photometric: str) -> None:
    values = SMEAR[..., 0] if photometric == "cfa" else SMEAR
    tifffile.imwrite(tmp_path / "f.tif", values, photometric=photometric)
    with pytest.raises(InputError, match=f"stores its colours as {photometric.upper()}; export it as RGB"):
        read_image(tmp_path / "f.tif")


def test_inks_other_than_four_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "f.tif", SMEAR, photometric="rgb")
    with tifffile.TiffFile(tmp_path / "f.tif", mode="r+b") as tif:
        tif.pages.first.tags["PhotometricInterpretation"].overwrite(5)
    with pytest.raises(InputError, match="inks other than the four of CMYK"):
        read_image(tmp_path / "f.tif")


def test_luma_and_chroma_without_compression(tmp_path: Path) -> None:
    values = np.asarray(Image.fromarray(SMEAR).convert("YCbCr"))
    tifffile.imwrite(tmp_path / "f.tif", values, photometric="ycbcr")
    assert np.abs(read_image(tmp_path / "f.tif").astype(int) - SMEAR).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_rotation_is_obeyed(tmp_path: Path, orientation: int, suffix: str) -> None:
    stored = np.zeros((80, 120, 3), np.uint8)
    stored[:40, :60] = (250, 10, 10)
    if suffix == "tif":
        tifffile.imwrite(
            tmp_path / "f.tif", stored, extratags=[(274, 3, 1, orientation, True)], photometric="rgb"
        )
    else:
        exif = Image.Exif()
        exif[0x0112] = orientation
        save(tmp_path / f"f.{suffix}", stored, exif=exif)
    corner = {1: (0, 0), 2: (0, 1), 3: (1, 1), 4: (1, 0), 5: (0, 0), 6: (0, 1), 7: (1, 1), 8: (1, 0)}[
        orientation
    ]
    read = read_image(tmp_path / f"f.{suffix}")
    assert read.shape == ((80, 120, 3) if orientation < 5 else (120, 80, 3))
    rows, cols = read.shape[0] // 2, read.shape[1] // 2
    quarters = {
        (r, c): read[r * rows : r * rows + rows, c * cols : c * cols + cols, 0].mean()
        for r in (0, 1)
        for c in (0, 1)
    }
    assert max(quarters, key=lambda place: quarters[place]) == corner


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "bmp"])
@pytest.mark.parametrize("share", [0.97, 0.5, 0.02])
def test_truncated_files_are_refused(tmp_path: Path, suffix: str, share: float) -> None:
    whole = save(tmp_path / f"f.{suffix}").read_bytes()
    (tmp_path / f"f.{suffix}").write_bytes(whole[: int(len(whole) * share)])
    assert "truncated" in reason(tmp_path / f"f.{suffix}")


def test_jpeg_without_its_end_is_refused(tmp_path: Path) -> None:
    whole = save(tmp_path / "f.jpg").read_bytes()
    (tmp_path / "f.jpg").write_bytes(whole[:-2])
    assert "truncated" in reason(tmp_path / "f.jpg")


def huge_png(side: int) -> bytes:
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    return b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\0IEND\xaeB`\x82"


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("lost", ["zeroed", "cut"])
def test_a_jpeg_whose_inside_is_lost_is_refused(tmp_path: Path, lost: str, grey: bool) -> None:
    path = save(tmp_path / "f.jpg", NOISY[..., 1] if grey else NOISY, quality=90)
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + bytes(len(data) - middle if lost == "zeroed" else 0) + b"\xff\xd9")
    assert "the last part of the JPEG data cannot be decoded; copy it again" in reason(path)


def test_a_grey_picture_of_one_shade_is_not_taken_for_damaged(tmp_path: Path) -> None:
    image = SMEAR.copy()
    image[-30:, -30:] = 120
    assert np.abs(read_image(save(tmp_path / "f.jpg", image, quality=95)).astype(int) - image).mean() < 5


def test_an_animation_is_refused(tmp_path: Path) -> None:
    more = [Image.fromarray(SMEAR[::-1].copy())]
    Image.fromarray(SMEAR).save(tmp_path / "f.png", save_all=True, append_images=more)
    assert "is an animation" in reason(tmp_path / "f.png")


def test_absurd_sizes_are_refused_by_their_header(tmp_path: Path) -> None:
    (tmp_path / "huge.png").write_bytes(huge_png(2_000_000))
    (tmp_path / "large.png").write_bytes(huge_png(13_000))
    tiff = io.BytesIO()
    Image.fromarray(SMEAR).save(tiff, "TIFF")
    data = bytearray(tiff.getvalue())
    for tag in (256, 257):
        place = (
            data.find(struct.pack("<HH", tag, 4))
            if struct.pack("<HH", tag, 4) in data
            else data.find(struct.pack("<HH", tag, 3))
        )
        data[place : place + 12] = struct.pack("<HHII", tag, 4, 1, 100_000)
    (tmp_path / "huge.tif").write_bytes(data)
    assert MAX_PIXELS < 13_000**2
    reasons = [f.reason for f in open_smear(tmp_path).fields() if isinstance(f, Refusal)]
    assert len(reasons) == 3
    assert all("too large" in text for text in reasons)


def test_bad_files_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    save(tmp_path / "1.png")
    (tmp_path / "2.png").write_bytes(b"")
    (tmp_path / "3.jpg").write_text("no image")
    (tmp_path / "4.tif").write_bytes(b"II*\0" + bytes(40))
    save(tmp_path / "5.png", np.zeros((200, 200, 3), np.uint8))
    save(tmp_path / "6.png", np.full((200, 200, 3), 200, np.uint8))
    save(tmp_path / "7.png", SMEAR[:20, :20])
    (tmp_path / "8.png").symlink_to(tmp_path / "nowhere.png")
    save(tmp_path / "9.png")
    (tmp_path / "notes.txt").write_text("not to be read")
    found = list(smear := open_smear(tmp_path).fields())
    assert [type(f) for f in found] == [Field, *[Refusal] * 7, Field]
    reasons = [f.reason for f in found if isinstance(f, Refusal)]
    for text, word in zip(
        reasons, ["empty", "not a PNG", "", "black", "one colour", "20×20", "opened"], strict=True
    ):
        assert word in text
    assert list(smear) == []


def photograph() -> np.ndarray:
    rows, cols = np.mgrid[:300, :400]
    image = np.zeros((300, 400, 3))
    image[:] = np.where((rows < 130 + 20 * np.sin(cols / 40))[..., None], (120, 170, 235), (60, 120, 40))
    return np.clip(image + np.random.default_rng(0).normal(0, 12, image.shape), 0, 255).astype(np.uint8)


def page_of_text() -> np.ndarray:
    image = np.full((400, 600, 3), 250, np.uint8)
    for line in range(20, 400, 22):
        cv2.putText(image, "Blood smear report No. 12, leukocytes", (15, line), 0, 0.6, (10, 10, 10), 1)
    return image


@pytest.mark.parametrize("picture", [photograph, page_of_text])
def test_other_pictures_are_refused(tmp_path: Path, picture) -> None:
    assert "no smear" in reason(save(tmp_path / "f.png", picture()))


def test_a_grey_photograph_of_a_smear_is_refused(tmp_path: Path) -> None:
    grey = cv2.cvtColor(SMEAR, cv2.COLOR_RGB2GRAY)
    assert "no smear in colour" in reason(save(tmp_path / "f.png", grey))
    assert "no smear in colour" in reason(save(tmp_path / "f.jpg", np.dstack([grey] * 3), quality=90))


def test_an_empty_field_of_a_smear_is_a_field(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal((230, 226, 220), 2, (200, 300, 3))
    only(save(tmp_path / "f.png", np.clip(noise, 0, 255).astype(np.uint8)))


def test_pictures_of_other_kinds_are_named(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    for name in ("a.cr2", "b.HEIC", "c.webp", "d.svs", "notes.txt", "e.docx"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "f.gif").mkdir()
    save(tmp_path / "f.gif" / "g.png")
    found = list(open_smear(tmp_path).fields())
    assert [one.name for one in found] == ["a.png", "b.HEIC", "c.webp", "d.svs", "f.gif/g.png"]
    assert [isinstance(one, Refusal) for one in found] == [False, True, True, True, False]
    assert isinstance(found[1], Refusal)
    assert found[1].reason.startswith("is a picture of a kind that is not read (.heic); convert it")
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "b.heic").write_bytes(b"x")
    assert "not read" in reason(tmp_path / "only")


def test_natural_order_with_folders(tmp_path: Path) -> None:
    names = ["b/f2.png", "b/f10.png", "a10/x.png", "a2/x.png", "F1.png", "f02.png", "f3.png"]
    for name in names:
        save(tmp_path / name)
    expected = ("a2/x.png", "a10/x.png", "b/f2.png", "b/f10.png", "F1.png", "f02.png", "f3.png")
    assert open_smear(tmp_path).names == expected


def test_hidden_files_loops_and_pipes_are_passed_over(tmp_path: Path) -> None:
    save(tmp_path / "f.png")
    save(tmp_path / ".hidden.png")
    save(tmp_path / ".thumbs" / "f.png")
    save(tmp_path / "__MACOSX" / "f.png")
    save(tmp_path / "sub" / "g.png")
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "sub")
    (tmp_path / "self.png").symlink_to(tmp_path / "self.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    smear = open_smear(tmp_path)
    assert smear.names == ("f.png", "self.png", "sub/g.png")
    assert isinstance(smear.field(1), Refusal)


def test_a_path_that_cannot_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="cannot be opened: File name too long"):
        open_smear(tmp_path / ("n" * 300))

    def refuse(path: Path) -> bool:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "is_dir", refuse)
    with pytest.raises(InputError, match="permissions"):
        open_smear(tmp_path / "locked" / "f.png")


def report_beside(folder: Path, **changed: object) -> None:
    document = {"schema": "leukoformula.result/1", "pictures": {"crops": [], "overview": None}}
    (folder / "result.json").write_text(json.dumps(document | changed))


def test_the_pictures_of_a_report_are_no_fields(tmp_path: Path) -> None:
    ours = ("crops.jpg", "crops-2.jpg", "overview.jpg")
    mine = ("f.png", "crops.png", "crops-a.jpg", "my crops.jpg", "sub/crops.jpg")
    for name in (*ours, *mine):
        save(tmp_path / "report" / name)
    save(tmp_path / "crops.jpg")
    assert len(open_smear(tmp_path)) == 9
    report_beside(tmp_path / "report")
    assert set(open_smear(tmp_path).names) == {"crops.jpg", *(f"report/{name}" for name in mine)}
    assert set(open_smear(tmp_path / "report").names) == set(mine)
    assert len(open_smear(tmp_path / "report" / "crops.jpg")) == 1


@pytest.mark.parametrize(
    "changed", [{"schema": "other/1"}, {"schema": 1}, {"schema": None}, {"pictures": None}, {"pictures": []}]
)
def test_another_result_hides_nothing(tmp_path: Path, changed: dict[str, object]) -> None:
    for name in ("f.png", "report/crops.jpg", "report/overview.jpg"):
        save(tmp_path / name)
    report_beside(tmp_path / "report", **changed)
    assert len(open_smear(tmp_path)) == 3
    for text in ("", "[1]", "{", "[" * 100_000):
        (tmp_path / "report" / "result.json").write_text(text)
        assert len(open_smear(tmp_path)) == 3
    (tmp_path / "report" / "result.json").unlink()
    (tmp_path / "report" / "result.json").mkdir()
    assert len(open_smear(tmp_path)) == 3


def test_nothing_but_a_report_is_no_smear(tmp_path: Path) -> None:
    save(tmp_path / "crops.jpg")
    report_beside(tmp_path)
    with pytest.raises(InputError, match="no PNG"):
        open_smear(tmp_path)


def mask(*levels: int) -> np.ndarray:
    drawn = np.full((150, 200), levels[0], np.uint8)
    for size, level in zip((60, 30), levels[1:], strict=False):
        cv2.circle(drawn, (100, 75), size, level, -1)
    return drawn


@pytest.mark.parametrize("name", ["masks/f.png", "f.PNG", "deep/er/f.png"])
def test_marked_pictures_are_no_fields(tmp_path: Path, name: str) -> None:
    save(tmp_path / "field.png")
    (path := save(tmp_path / name)).write_bytes(mark_png(path.read_bytes()))
    assert open_smear(tmp_path).names == ("field.png",)
    np.testing.assert_array_equal(read_image(path), SMEAR)
    assert cv2.imread(str(path)) is not None
    (tmp_path / "field.png").unlink()
    with pytest.raises(InputError, match="leukoformula made of others"):
        open_smear(tmp_path)


def test_the_mark_is_looked_for_in_png_files_that_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "short.png").write_bytes(b"\x89PNG")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "folder.png").mkdir()
    (marked := save(tmp_path / "f.png")).write_bytes(mark_png(marked.read_bytes()))
    names = ("short.png", "pipe.png", "loop.png", "folder.png", "gone.png", "f.png")
    assert own_pictures(tmp_path, names) == {"f.png"}


@pytest.mark.parametrize("levels", [(0, 128, 255), (0, 255), (255, 0), (255, 128)])
@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_a_mask_of_whatever_origin_is_no_field(tmp_path: Path, levels: tuple[int, ...], suffix: str) -> None:
    assert "is a mask" in reason(save(tmp_path / f"f.{suffix}", mask(*levels)))


def test_what_is_no_mask() -> None:
    for image in (SMEAR, page_of_text(), photograph(), *(np.full((9, 9, 3), n, np.uint8) for n in (0, 128))):
        assert not is_mask(image)
    almost = np.dstack([mask(0, 255)] * 3)
    assert is_mask(almost)
    almost[1, 1] = 17
    assert not is_mask(almost)
    assert not is_mask(np.dstack([mask(0, 255), mask(0, 255), mask(255, 0)]))


@pytest.mark.skipif(sys.platform != "linux", reason="file names of any bytes")
@pytest.mark.parametrize("name", ["🔬 мазок é.png".encode(), b"caf\xe9.png", b"a\nb.png", b"%s{0}.png"])
def test_hostile_names(tmp_path: Path, name: bytes) -> None:
    target = os.path.join(os.fsencode(tmp_path), name)  # noqa: PTH118 - bytes
    with open(target, "wb") as file:  # noqa: PTH123
        Image.fromarray(SMEAR).save(file, "PNG")
    shown = only(tmp_path).name
    shown.encode("utf-8")
    assert "\n" not in shown
    single = open_smear(Path(os.fsdecode(target)))
    assert isinstance(next(single.fields()), Field)
    assert single.name == shown


@given(st.text())
def test_printable_is_one_line_of_utf8(text: str) -> None:
    shown = printable(text)
    shown.encode("utf-8")
    assert len(shown.splitlines()) <= 1
    if text.isprintable():
        assert shown == text


def test_pages_of_a_tiff(tmp_path: Path) -> None:
    other = draw_discs(30, shape=(150, 200), seed=1)
    with tifffile.TiffWriter(tmp_path / "f.tif") as writer:
        for page in (SMEAR, other, SMEAR):
            writer.write(page, photometric="rgb")
        writer.write(SMEAR[::4, ::4].copy(), photometric="rgb", subfiletype=1)
    smear = open_smear(tmp_path / "f.tif")
    assert len(smear) == 3
    assert smear.names == ("f.tif#1", "f.tif#2", "f.tif#3")
    fields = list(smear.fields())
    assert np.array_equal(fields[1].image, other)
    assert np.array_equal(fields[2].image, SMEAR)


def test_colour_planes_are_one_image(tmp_path: Path) -> None:
    planes = np.ascontiguousarray(SMEAR.transpose(2, 0, 1))
    tifffile.imwrite(tmp_path / "f.ome.tif", planes, metadata={"axes": "CYX"}, photometric="minisblack")
    assert np.array_equal(only(tmp_path / "f.ome.tif").image, SMEAR)
    tifffile.imwrite(tmp_path / "g.tif", planes, photometric="rgb", planarconfig="separate")
    assert np.array_equal(only(tmp_path / "g.tif").image, SMEAR)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"resolution": (1e5, 1e5), "resolutionunit": "CENTIMETER"}, 0.1),
        ({"resolution": (254000, 254000), "resolutionunit": "INCH"}, 0.1),
        ({"resolution": (72, 72), "resolutionunit": "INCH"}, None),
        ({"resolution": (300, 300), "resolutionunit": "INCH"}, None),
        ({"resolution": (1e5, 2e5), "resolutionunit": "CENTIMETER"}, None),
        ({"resolution": (10, 10), "resolutionunit": "NONE"}, None),
        ({"imagej": True, "resolution": (8, 8), "metadata": {"unit": "um"}}, 0.125),
        ({"imagej": True, "resolution": (8, 8), "metadata": {"unit": "\\u00B5m"}}, 0.125),
        ({"imagej": True, "resolution": (0.008, 0.008), "metadata": {"unit": "nm"}}, 0.125),
        ({"imagej": True, "resolution": (8, 8), "metadata": {"unit": "pixel"}}, None),
        ({"description": "Aperio Image Library|AppMag = 40|MPP = 0.2520"}, 0.252),
    ],
)
def test_pixel_size_of_a_tiff(tmp_path: Path, options: dict[str, object], expected: float | None) -> None:
    tifffile.imwrite(tmp_path / "f.tif", SMEAR, photometric="rgb", **options)
    assert only(tmp_path / "f.tif").um_per_px == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("size", "unit", "expected"), [(0.11, "µm", 0.11), (110, "nm", 0.11), (5, "mm", None)]
)
def test_pixel_size_of_ome_tiff(tmp_path: Path, size: float, unit: str, expected: float | None) -> None:
    metadata = {
        "PhysicalSizeX": size,
        "PhysicalSizeXUnit": unit,
        "PhysicalSizeY": size,
        "PhysicalSizeYUnit": unit,
    }
    tifffile.imwrite(tmp_path / "f.ome.tif", SMEAR, photometric="rgb", metadata=metadata)
    assert only(tmp_path / "f.ome.tif").um_per_px == (None if expected is None else pytest.approx(expected))


def test_a_sample_of_the_fields(tmp_path: Path) -> None:
    for i in range(10):
        save(tmp_path / f"{i}.png")
    smear = open_smear(tmp_path)
    assert [f.name for f in smear.fields(at_most=4)] == ["0.png", "2.png", "5.png", "7.png"]
    assert len(list(smear.fields(at_most=99))) == 10


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(InputError, match="does not exist"):
        open_smear(tmp_path / "missing")
    with pytest.raises(InputError, match="no PNG"):
        open_smear(tmp_path)
    with pytest.raises(InputError, match="not a PNG"):
        open_smear(tmp_path / "a.txt")
    with pytest.raises(InputError, match="missing"):
        read_image(tmp_path / "missing.png")


def test_suffix_does_not_matter_for_the_content(tmp_path: Path) -> None:
    save(tmp_path / "f.png").rename(tmp_path / "f.jpg")
    assert np.array_equal(only(tmp_path / "f.jpg").image, SMEAR)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), suffix=st.sampled_from(["png", "jpg", "bmp", "tif"]))
def test_damaged_bytes_are_read_or_refused(tmp_path: Path, data: st.DataObject, suffix: str) -> None:
    stream = io.BytesIO()
    Image.fromarray(SMEAR[:70, :70]).save(stream, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix))
    content = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, min(len(content) - 1, 400)))] = data.draw(st.integers(0, 255))
    path = tmp_path / f"f.{suffix}"
    path.write_bytes(content)
    try:
        image = decode(path).image
    except InputError:
        return
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
