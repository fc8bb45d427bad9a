"""The registry of networks: every entry builds, and as published where layers are printed."""

from pathlib import Path

import numpy as np
import pytest

from cells.errors import InputError, UsageError
from classifiers.architectures import ARCHITECTURES, OPTICAL_DENSITY, architecture
from classifiers.literature_augmentation import AUGMENTATIONS

keras = pytest.importorskip("keras")

from classifiers.networks.transfer import _load, _prepare  # noqa: E402 - needs TensorFlow

PLAIN = [name for name, entry in ARCHITECTURES.items() if not entry.pretrained]
LITERATURE = {
    "three_cascades", "panin_six_stages", "panin_three_stages", "leucocytenet", "simplenet", "residual_gn",
    "Xception", "VGG16", "ResNet50", "ResNet152V2", "DenseNet201", "MobileNetV3", "InceptionResNetV2",
    "EfficientNetB4", "EfficientNetB5", "EfficientNetV2M",
}  # fmt: skip


def _forms(model) -> list[tuple[str, object]]:
    """Return each layer's class with what the paper prints of it."""
    forms = []
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "Conv2D":
            forms.append((kind, (layer.filters, layer.kernel_size, layer.padding, layer.activation.__name__)))
        elif kind == "Dense":
            forms.append((kind, (layer.units, layer.activation.__name__)))
        elif kind == "MaxPooling2D":
            forms.append((kind, layer.pool_size))
        elif kind == "Rescaling":
            forms.append((kind, layer.scale))
        elif kind == "Flatten":
            forms.append((kind, None))
    return forms


def _stages(*filters: int) -> list[tuple[str, object]]:
    return [
        form for f in filters for form in (("Conv2D", (f, (3, 3), "same", "relu")), ("MaxPooling2D", (2, 2)))
    ]


def test_every_network_of_the_literature_is_there() -> None:
    assert set(ARCHITECTURES) >= LITERATURE


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_an_entry_says_where_it_comes_from_and_names_known_augmentations(name: str) -> None:
    entry = ARCHITECTURES[name]
    assert entry.name == name
    assert any(word in entry.source for word in ("doi 10.", "arXiv", "20"))
    assert entry.reading.endswith(".")
    assert set(entry.recipe.augmentation) <= set(AUGMENTATIONS)
    assert min(entry.size) >= entry.smallest


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_network_answers_with_as_many_logits_as_classes(name: str) -> None:
    side = max(64, ARCHITECTURES[name].smallest)
    model = architecture(name).build(height=side, width=side, classes=5)
    images = np.random.default_rng(0).uniform(0, 2, (2, side, side, 3)).astype(np.float32)
    assert np.asarray(model(images)).shape == (2, 5)
    assert model.inputs[0].name == (
        "optical_density" if architecture(name).takes == OPTICAL_DENSITY else "rgb"
    )


def test_network_1_of_panin_is_layer_for_layer_as_printed() -> None:
    model = architecture("panin_six_stages").build(height=200, width=200, classes=2)
    expected = [("Rescaling", 1 / 255), *_stages(16, 32, 64, 128, 256, 512), ("Flatten", None)]
    assert _forms(model) == [*expected, ("Dense", (128, "relu")), ("Dense", (2, "linear"))]


def test_network_2_of_panin_is_layer_for_layer_as_printed() -> None:
    model = architecture("panin_three_stages").build(height=200, width=200, classes=3)
    expected = [*_stages(16, 32, 64), ("Flatten", None), ("Dense", (128, "relu")), ("Dense", (3, "linear"))]
    assert _forms(model) == expected


def test_the_published_settings_of_panin_are_the_recipe() -> None:
    first, second = ARCHITECTURES["panin_six_stages"], ARCHITECTURES["panin_three_stages"]
    assert (first.size, first.recipe.epochs, first.recipe.optimizer) == ((200, 200), 15, "adam")
    assert set(first.recipe.augmentation) == {"scale", "rotation_36"}
    assert (second.recipe.epochs, second.recipe.augmentation) == (10, ())


def test_three_cascades_are_nine_layers_with_a_binary_and_a_multi_class_form() -> None:
    several = architecture("three_cascades").build(height=60, width=80, classes=4)
    counted = [kind for kind, _ in _forms(several) if kind != "Rescaling"]
    assert counted == ["Conv2D", "MaxPooling2D"] * 3 + ["Flatten", "Dense", "Dense"]
    binary = architecture("three_cascades").build(height=60, width=80, classes=2)
    assert binary.get_layer("logit").units == 1
    logits = np.asarray(binary(np.random.default_rng(1).uniform(0, 255, (3, 60, 80, 3)).astype(np.float32)))
    assert logits.shape == (3, 2)
    np.testing.assert_array_equal(logits[:, 0], 0.0)


def test_leucocytenet_is_made_of_separable_convolutions_with_normalisation() -> None:
    kinds = [
        type(layer).__name__
        for layer in architecture("leucocytenet").build(height=60, width=80, classes=4).layers
    ]
    assert kinds.count("SeparableConv2D") == 6
    assert kinds.count("Conv2D") == 1
    assert kinds.count("BatchNormalization") == 7


def test_the_network_that_ships_still_has_its_graph() -> None:
    keras.utils.clear_session()
    model = architecture("residual_gn").build(height=96, width=96, classes=10)
    shapes = [tuple(weight.shape) for weight in model.trainable_weights]
    filters = [(3, 24)]
    last = 24
    for wide, blocks in ((48, 1), (96, 1), (160, 2)):
        filters += [(last, wide)] + [(wide, wide)] * blocks
        last = wide
    expected: list[tuple[int, ...]] = []
    for before, after in filters:
        expected += [(3, 3, before, after), (after,), (after,)]
    assert shapes == [*expected, (320, 10), (10,)]
    assert [layer.name for layer in model.layers][:4] == [
        "optical_density", "conv2d", "group_normalization", "re_lu",
    ]  # fmt: skip
    assert model.count_params() == 760_002


def test_the_preparation_of_vgg_is_that_of_its_imagenet_weights() -> None:
    image = np.random.default_rng(3).uniform(0, 255, (1, 4, 5, 3)).astype(np.float32)
    for way, module in (
        ("bgr", keras.applications.vgg16),
        ("signed", keras.applications.xception),
        ("standard", keras.applications.densenet),
    ):
        inputs = keras.layers.Input((4, 5, 3))
        ours = np.asarray(keras.Model(inputs, _prepare(inputs, way))(image))
        np.testing.assert_allclose(ours, module.preprocess_input(image.copy()), atol=2e-4)


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")
def test_a_given_file_of_weights_is_used_and_a_faulty_one_refused(tmp_path: Path) -> None:
    base = keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    base.save_weights(tmp_path / "base.weights.h5")
    model = architecture("VGG16").build(height=32, width=32, classes=2, weights=tmp_path / "base.weights.h5")
    np.testing.assert_array_equal(np.asarray(model.weights[0]), np.asarray(base.weights[0]))
    answer = np.asarray(model(np.full((1, 32, 32, 3), 128.0, np.float32)))
    assert answer.shape == (1, 2)
    assert np.isfinite(answer).all()
    (tmp_path / "torn.weights.h5").write_bytes(b"no weights")
    for name in ("missing.weights.h5", "torn.weights.h5"):
        with pytest.raises(InputError, match="cannot use the weights"):
            _load(base, tmp_path / name)


def test_imagenet_weights_are_refused_clearly_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("classifiers.networks.transfer.urllib.request.urlopen", offline)
    with pytest.raises(InputError, match=r"ImageNet weights of VGG16.*--weights none"):
        architecture("VGG16").build(height=32, width=32, classes=2, weights="imagenet")


@pytest.mark.parametrize(
    ("name", "given", "fault"),
    [
        ("simplenet", {"height": 8, "width": 64, "classes": 2}, "at least 16 px"),
        ("simplenet", {"height": 64, "width": 64, "classes": 1}, "two or more classes"),
        (
            "simplenet",
            {"height": 64, "width": 64, "classes": 2, "weights": "imagenet"},
            "no published weights",
        ),
    ],
)
def test_what_cannot_be_built_is_refused(name: str, given: dict[str, object], fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        architecture(name).build(**given)


def test_an_unknown_network_is_named_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"no network 'lenet'.*simplenet"):
        architecture("lenet")


def test_an_ensemble_answers_with_the_mean_probability() -> None:
    from classifiers.networks.averaging import averaging
    from classifiers.probabilities import softmax

    members = [architecture("simplenet").build(height=32, width=40, classes=3) for _ in range(3)]
    for seed, member in enumerate(members):
        rng = np.random.default_rng(seed)
        member.set_weights([rng.normal(0, 0.3, w.shape).astype(np.float32) for w in member.get_weights()])
    images = np.random.default_rng(9).uniform(0, 255, (4, 32, 40, 3)).astype(np.float32)
    each = [softmax(np.asarray(member(images))) for member in members]
    ensemble = averaging(members)
    np.testing.assert_allclose(softmax(np.asarray(ensemble(images))), np.mean(each, axis=0), atol=1e-5)


def test_an_ensemble_refuses_what_does_not_suit() -> None:
    from classifiers.networks.averaging import averaging

    two = architecture("simplenet").build(height=32, width=32, classes=2)
    three = architecture("simplenet").build(height=32, width=32, classes=3)
    with pytest.raises(UsageError, match="same classes"):
        averaging([two, three])
    density = architecture("residual_gn").build(height=32, width=32, classes=2)
    with pytest.raises(UsageError, match="optical density"):
        averaging([two, density])


def test_the_page_on_networks_names_every_entry_as_it_is() -> None:
    page = (Path(__file__).resolve().parent.parent / "docs" / "networks.md").read_text(encoding="utf-8")
    for name, entry in ARCHITECTURES.items():
        line = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
        settings = f"| {entry.recipe.epochs}, {entry.recipe.batch}, {entry.recipe.optimizer}"
        assert all(part in line for part in (f"{entry.size[0]} × {entry.size[1]}", settings, entry.reading))
    assert all(f"`{name}`" in page for name in AUGMENTATIONS)


TRANSFER = [name for name, entry in ARCHITECTURES.items() if entry.builder.endswith(":transfer")]
SMALLEST = ("VGG16", "MobileNetV3")
"""Networks of few layers, built at every run of the tests; the others are marked slow."""


@pytest.mark.parametrize(
    "name", [n if n in SMALLEST else pytest.param(n, marks=pytest.mark.slow) for n in TRANSFER]
)
def test_every_transfer_network_can_be_built_with_its_head(name: str) -> None:
    keras.utils.clear_session()
    entry = ARCHITECTURES[name]
    model = entry.build(height=entry.smallest, width=entry.smallest, classes=3)
    assert model.output_shape == (None, 3)
    assert len(model.trainable_weights) > 20
    assert {"rgb", "mean", "dropout", "logits"} <= {layer.name for layer in model.layers}


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")
def test_a_network_with_its_preparation_within_starts_from_a_file_too(tmp_path: Path) -> None:
    entry = ARCHITECTURES["MobileNetV3"]
    model = entry.build(height=32, width=32, classes=3)
    base = keras.Model(model.inputs, model.get_layer("mean").input)
    base.save_weights(tmp_path / "base.weights.h5")
    again = entry.build(height=32, width=32, classes=5, weights=tmp_path / "base.weights.h5")
    assert again.output_shape == (None, 5)
    ours = {tuple(w.path.split("/")[-2:]): np.asarray(w) for w in again.weights}
    stored = [weight for weight in base.weights if weight.shape.rank != 0]
    assert len(stored) > 100
    for weight in stored:
        np.testing.assert_array_equal(ours[tuple(weight.path.split("/")[-2:])], np.asarray(weight))


def test_the_time_of_a_step_is_measured_on_the_smallest_image_that_a_network_takes() -> None:
    from classifiers.network_times import main, step_time

    found = step_time("panin_six_stages", side=32, batch=2)
    assert (found.name, found.side, found.parameters) == ("panin_six_stages", 64, 1_638_690)
    assert 0.0 < found.wall_s < 60.0
    assert 0.0 < found.cpu_s < 60.0
    assert main(["lenet"]) == 2
