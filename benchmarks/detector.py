"""Time of the detector beside decoding, peers and a small network, on one thread; memory of a tiled scan.

Run from the root of the repository::

    python benchmarks/detector.py [--repeats 7] [--side 20000] [--data ../shared/data]

Fields are drawn, so that it runs anywhere; a published field is measured as well where ``--data`` is given.
Times are processor time of the one thread, the least of several runs. The network has the layers of YOLOv8
nano (Jocher et al. 2023) with random weights, run by LiteRT; it is left out where TensorFlow or LiteRT is
missing. scikit-learn's own scan of the channels, beside ours of the same channels and beside the whole
detector, is timed on all windows of the field of 640×480 in one call, the quickest way
to use it, and on every n-th row of windows of the others (at most 20,000 windows in one call), times n.
``--side 0`` leaves out the tiled scan.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cells.vocabulary import CellClass
from detector.channels import WINDOW, channel_picture
from detector.scan import ORBITS, scan, window_features
from detector.scanner import Scanner
from detector.working_scale import working_image
from slides.optics import white_point
from slides.synthetic.field import draw_field

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "leukoformula" / "models" / "detector" / "detector.npz"
UM = 0.17
ERYTHROCYTE_PX = 7.5 / UM
QUALITY = 95
MOST_WINDOWS = 20_000
_TIMED_ROWS = 5


def best_ms(work: Callable[[], object], repeats: int) -> float:
    """Return the least processor time of several runs in milliseconds."""
    times = []
    for _ in range(repeats):
        start = time.thread_time()
        work()
        times.append(time.thread_time() - start)
    return 1000.0 * min(times)


def drawn(rows: int, cols: int) -> NDArray[np.uint8]:
    """Draw a field; large ones repeat a drawn field, mirrored in turn."""
    cells = (CellClass.NEUTROPHIL_SEGMENTED, CellClass.LYMPHOCYTE)
    size = (min(rows, 750), min(cols, 1000))
    image = draw_field(shape=size, leukocytes=cells, rng=np.random.default_rng(3), um_per_px=UM).image
    strip = np.concatenate([image[:, :: 1 - 2 * (n % 2)] for n in range(-(-cols // size[1]))], axis=1)
    field = np.concatenate([strip[:: 1 - 2 * (n % 2)] for n in range(-(-rows // size[0]))], axis=0)
    return np.ascontiguousarray(field[:rows, :cols])


def drawn_cluster(rows: int, cols: int) -> NDArray[np.uint8]:
    """Draw a field whose leukocytes touch, so that the classifier for clusters is asked."""
    cells = (CellClass.NEUTROPHIL_SEGMENTED, CellClass.LYMPHOCYTE, CellClass.EOSINOPHIL)
    rng = np.random.default_rng(2)
    return draw_field(shape=(rows, cols), leukocytes=cells, rng=rng, um_per_px=UM, touching=True).image


def scan_rows(scanner: Scanner, image: NDArray[np.uint8], name: str, repeats: int) -> tuple[float, float]:
    """Print decode, detector and its parts for one field; return detector and dense scan in milliseconds."""
    jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    decode = best_ms(lambda: cv2.imdecode(jpeg, cv2.IMREAD_COLOR), repeats)
    white = white_point(image)
    options = {"white": white, "erythrocyte_px": ERYTHROCYTE_PX}
    found = scanner.detect(image, **options)
    ours = best_ms(lambda: scanner.detect(image, **options), repeats)
    picture = channel_picture(image, white, erythrocyte_px=ERYTHROCYTE_PX)
    parts = (
        best_ms(lambda: working_image(image, erythrocyte_px=ERYTHROCYTE_PX), repeats),
        best_ms(lambda: channel_picture(image, white, erythrocyte_px=ERYTHROCYTE_PX), repeats),
        best_ms(lambda: scan(scanner.cascade, picture), repeats),
        best_ms(lambda: white_point(image), repeats),
    )
    megapixels = image.shape[0] * image.shape[1] / 1e6
    print(
        f"| {name} | {len(jpeg) / 1e3:.0f} kB | {decode:.2f} | {ours:.2f} | {ours / decode:.2f} |"
        f" {ours / megapixels:.2f} | {parts[0]:.2f} | {parts[1] - parts[0]:.2f} | {parts[2]:.2f} |"
        f" {ours - parts[1] - parts[2]:.2f} | {parts[3]:.2f} | {len(found)} |",
        flush=True,
    )
    return ours, parts[2]


def blob_log_ms(image: NDArray[np.uint8], repeats: int) -> float | None:
    """Time scikit-image's blob detector on the green channel at the working scale."""
    try:
        from skimage.feature import blob_log
    except ImportError:
        return None
    green = 1.0 - working_image(image, erythrocyte_px=ERYTHROCYTE_PX)[..., 1] / 255.0
    return best_ms(lambda: blob_log(green, min_sigma=4, max_sigma=10, num_sigma=5), repeats)


def plain_features(maps: NDArray[np.uint8], places: NDArray[np.intp]) -> NDArray[np.float32]:
    """Compute the features of windows by NumPy, as a user of scikit-learn would."""
    windows = np.lib.stride_tricks.sliding_window_view(maps, (WINDOW, WINDOW), axis=(1, 2))
    picked = windows[:, places[:, 0], places[:, 1]].reshape(len(maps), len(places), -1)[..., ORBITS]
    found = np.stack([picked.sum(axis=3, dtype=np.float32), picked.min(axis=3), picked.max(axis=3)])
    return np.ascontiguousarray(found.transpose(2, 0, 1, 3).reshape(len(places), -1))


def sklearn_ms(scanner: Scanner, image: NDArray[np.uint8]) -> tuple[float, float, float]:
    """Time an AdaBoostClassifier of as many trees of depth two: on all windows, their features, row by row.

    Of more windows than `MOST_WINDOWS`, those of every n-th row are timed, times the share of all windows.
    Row by row, as a loop over the field does it, is one call for each row of windows, features included;
    five rows are timed.
    """
    from sklearn.ensemble import AdaBoostClassifier
    from sklearn.tree import DecisionTreeClassifier

    picture = channel_picture(image, white_point(image), erythrocyte_px=ERYTHROCYTE_PX)
    rows, cols = picture.positions
    step = -(-rows * cols // MOST_WINDOWS)
    places = np.stack(np.meshgrid(np.arange(0, rows, step), np.arange(cols), indexing="ij"), axis=-1)
    places = places.reshape(-1, 2)
    windows = plain_features(picture.maps, places)
    if not np.array_equal(windows, window_features(picture, places)):
        raise SystemExit("the peer's features are not the detector's")
    rng = np.random.default_rng(0)
    some = windows[rng.choice(len(windows), 400, replace=False)]
    base = DecisionTreeClassifier(max_depth=2, max_features=8)
    noisy = rng.random(len(some)) < 0.5
    model = AdaBoostClassifier(base, n_estimators=len(scanner.cascade), random_state=0).fit(some, noisy)
    share = len(scanner.cascade) / len(model.estimators_)
    whole = rows * cols / len(windows)
    features = whole * best_ms(lambda: plain_features(picture.maps, places), 2)
    deciding = share * whole * best_ms(lambda: model.decision_function(windows), 2)
    some_rows = np.linspace(0, rows - 1, _TIMED_ROWS).astype(int)

    def row_by_row() -> None:
        for row in some_rows:
            line = np.column_stack([np.full(cols, row), np.arange(cols)])
            model.decision_function(plain_features(picture.maps, line))

    return deciding, features, share * rows / _TIMED_ROWS * best_ms(row_by_row, 2)


def network_ms(shape: tuple[int, int], repeats: int) -> float | None:
    """Time a network of the size of YOLOv8 nano on one field, one thread."""
    try:
        import keras
        import tensorflow as tf
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        return None
    model = nano_network(keras, shape)
    function = tf.function(lambda x: model(x, training=False))
    concrete = function.get_concrete_function(tf.TensorSpec((1, *shape, 3), tf.float32))
    content = tf.lite.TFLiteConverter.from_concrete_functions([concrete], model).convert()
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    place = interpreter.get_input_details()[0]["index"]
    interpreter.set_tensor(place, np.zeros((1, *shape, 3), np.float32))
    interpreter.invoke()
    print(f"\nnetwork: {model.count_params() / 1e6:.1f} million weights")
    return best_ms(interpreter.invoke, repeats)


def nano_network(keras, shape: tuple[int, int]):  # type: ignore[no-untyped-def]
    """Build backbone, neck and heads of YOLOv8 nano with batch normalisation folded."""
    layers = keras.layers

    def conv(x, filters, kernel=3, stride=1):  # type: ignore[no-untyped-def]
        return layers.Conv2D(filters, kernel, stride, padding="same", activation="silu")(x)

    def c2f(x, filters, count):  # type: ignore[no-untyped-def]
        x = conv(x, filters, 1)
        parts = [x[..., : filters // 2], x[..., filters // 2 :]]
        for _ in range(count):
            parts.append(conv(conv(parts[-1], filters // 2), filters // 2) + parts[-1])
        return conv(layers.Concatenate()(parts), filters, 1)

    picture = keras.Input((*shape, 3), batch_size=1)
    x = c2f(conv(conv(picture, 16, 3, 2), 32, 3, 2), 32, 1)
    p3 = c2f(conv(x, 64, 3, 2), 64, 2)
    p4 = c2f(conv(p3, 128, 3, 2), 128, 2)
    x = conv(c2f(conv(p4, 256, 3, 2), 256, 1), 128, 1)
    pools = [x]
    for _ in range(3):
        pools.append(layers.MaxPool2D(5, 1, "same")(pools[-1]))
    p5 = conv(layers.Concatenate()(pools), 256, 1)
    up = layers.UpSampling2D
    n4 = c2f(layers.Concatenate()([up()(p5), p4]), 128, 1)
    n3 = c2f(layers.Concatenate()([up()(n4), p3]), 64, 1)
    n4 = c2f(layers.Concatenate()([conv(n3, 64, 3, 2), n4]), 128, 1)
    n5 = c2f(layers.Concatenate()([conv(n4, 128, 3, 2), p5]), 256, 1)
    heads = []
    for x in (n3, n4, n5):
        heads.append(layers.Conv2D(64, 1)(conv(conv(x, 64), 64)))
        heads.append(layers.Conv2D(80, 1)(conv(conv(x, 80), 80)))
    return keras.Model(picture, heads)


def tiled_peak(side: int) -> None:
    """Scan a drawn field of ``side`` pixels a side from a memory map and print time and resident memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "field.raw"
        tile = drawn(1000, 1000)
        with path.open("wb") as file:
            for row in range(side):
                line = tile[row % 1000]
                file.write(np.tile(line, (-(-side // 1000), 1))[:side].tobytes())
        command = [sys.executable, __file__, "--child", str(path), "--side", str(side)]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout, flush=True)


def resident_mb(part: str) -> float:
    """Return a part of this process's resident memory in MB, from /proc."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(part + ":"):
            return float(line.split()[1]) / 1e3
    raise SystemExit(f"/proc/self/status does not tell {part}; measure on Linux")


def child(path: Path, side: int) -> None:
    """Scan the memory map and print the peak of this process's own memory, mapped file pages apart."""
    scanner, peak, done = Scanner.load(MODEL), [resident_mb("RssAnon")], threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            peak.append(resident_mb("RssAnon"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    image = np.memmap(path, np.uint8, "r", shape=(side, side, 3))
    start = time.perf_counter()
    found = scanner.detect(image, white=np.array([235.0, 233.0, 232.0]), erythrocyte_px=ERYTHROCYTE_PX)
    spent = time.perf_counter() - start
    done.set()
    watcher.join()
    print(
        f"{side} x {side} from a memory map: {spent:.1f} s, {len(found)} finds, peak {max(peak):.0f} MB of"
        f" the process itself (before the scan {peak[0]:.0f} MB),"
        f" {resident_mb('VmHWM'):.0f} MB with the mapped pages of the file"
    )


def main() -> None:
    """Read the command line and print the tables."""
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--side", type=int, default=20_000)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    with threadpool_limits(1):
        run(options)


def run(options: argparse.Namespace) -> None:
    """Print the tables on one thread."""
    if options.child is not None:
        child(options.child, options.side)
        return
    scanner = Scanner.load(MODEL)
    print(
        "| field | JPEG | decode ms | ours ms | ours / decode | ours ms per megapixel | resampling |"
        " channels | scan | rest | white point (not in ours) | finds |"
    )
    print("|---" * 12 + "|", flush=True)
    small = drawn(480, 640)
    fields = {"640×480": small, "2000×1500": drawn(1500, 2000), "4000×3000": drawn(3000, 4000)}
    spent = {
        name: scan_rows(scanner, image, name, (5 if image is small else 1) * options.repeats)
        for name, image in fields.items()
    }
    scan_rows(scanner, drawn_cluster(480, 640), "640×480, a cluster", 5 * options.repeats)
    if options.data is not None:
        path = sorted((options.data / "deepbionet" / "Images").glob("*.jpg"))[20]
        image = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1]).astype(np.uint8)
        scan_rows(scanner, image, f"deepbionet {path.name}", 5 * options.repeats)
    ways = ("all windows in one call", "with features", "row by row, with features")
    print("\n| scikit-learn's own scan of the channels |", end="")
    print(" | ".join(f" {way}, ms | times our scan | times the detector" for way in ways) + " |")
    print("|---" * 10 + "|", flush=True)
    for name, image in fields.items():
        deciding, features, by_row = sklearn_ms(scanner, image)
        detector, own = spent[name]
        times = (deciding, deciding + features, by_row)
        columns = [f"{ms:.0f} | {ms / own:.0f} | {ms / detector:.0f}" for ms in times]
        print(f"| {name} | {' | '.join(columns)} |", flush=True)
    peers = {
        "blob_log at the working scale": blob_log_ms(small, options.repeats),
        "network of the size of YOLOv8 nano": network_ms(small.shape[:2], options.repeats),
    }
    print("\n| on 640×480 | ms | times ours |\n|---|---|---|")
    ours = spent["640×480"][0]
    print(f"| ours | {ours:.2f} | 1 |")
    for name, ms in peers.items():
        told = "left out: a package is missing | " if ms is None else f"{ms:.1f} | {ms / ours:.0f}"
        print(f"| {name} | {told} |")
    if options.side:
        print()
        tiled_peak(options.side)


if __name__ == "__main__":
    main()
