"""The convolutional network, run by LiteRT."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError, ModelError
from cells.litert import ImageNetwork
from cells.model_files import open_model
from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.adaptation import Adaptation, network_and_adaptation
from classifiers.preprocess import StainStrength, network_input
from classifiers.probabilities import BAND_AND_SEGMENTED, softmax

_BATCH = 16
_SURE = 0.9
_NO_LEUKOCYTES = [CLASSIFIED.index(c) for c in (CellClass.PLATELET, CellClass.ARTEFACT)]


class CnnClassifier:
    """A convolutional network over white-point-corrected optical density, with calibrated probabilities."""

    name = "cnn"

    def __init__(
        self,
        network: bytes,
        *,
        side_px: int,
        temperature: float,
        factors: NDArray[np.float32] | None = None,
        colour_share: float = 1.0,
        strength: StainStrength | None = None,
        adaptation: Adaptation | None = None,
        threads: int = 2,
    ) -> None:
        """Build the interpreter.

        Parameters
        ----------
        network : bytes
            LiteRT model, input (N, side_px, side_px, 3) of optical density, output (N, 10) of logits and,
            where the file gives them, a second output (N, D) of features.
        side_px : int
            Side of the input, px.
        temperature : float
            Divides the logits; above 0.
        factors : ndarray of shape (10,), float32, optional
            The probabilities are multiplied by these and scaled to sum to 1 again.
        colour_share : float
            Share of the colour that the network is shown, 0 to 1; see ``classifiers.preprocess.pale``.
        strength : StainStrength, optional
            How strongly stained the network is shown each crop; None as it is. Where no answer then has a
            probability of 0.9, band and segmented neutrophils taken together, it is shown the crop as it is,
            too: that look decides how likely it is a platelet or an artefact, the other which leukocyte.
        adaptation : Adaptation, optional
            What the labelled cells of a laboratory add to the answers.
        threads : int
            Threads of the interpreter.

        Raises
        ------
        ModelError
            Where the bytes are no LiteRT model of that form, or the adaptation is that of another network.
        """
        self._network = ImageNetwork(
            network,
            refusal="the network is no LiteRT model of the expected form",
            remedy="install leukoformula again",
            size=(side_px, side_px),
            threads=threads,
        )
        self._logits, self._features = _outputs(self._network.outputs)
        self._side = side_px
        self._temperature = temperature
        self._colour_share = colour_share
        self._strength = strength
        self._factors = np.ones(len(CLASSIFIED), np.float32) if factors is None else factors
        if adaptation is not None:
            adaptation.require_network(network, features=self.feature_count)
        self._adaptation = adaptation

    @classmethod
    def load(cls, folder: Path) -> "CnnClassifier":
        """Load a model folder whose hashes are right.

        Parameters
        ----------
        folder : Path
            Holds ``manifest.json`` and the network.

        Returns
        -------
        CnnClassifier

        Raises
        ------
        ModelError
            Where the model is missing, altered, or of another kind or form.
        """
        model = open_model(folder, kind="cnn")
        try:
            classes = tuple(CellClass(name) for name in model.manifest["classes"])
            side, temperature = int(model.manifest["input_px"]), float(model.manifest["temperature"])
            colour_share = float(model.manifest["colour_share"])
            factors = np.array([model.manifest["prior_factors"][name] for name in CLASSIFIED], np.float32)
            strength = StainStrength.of(model.manifest.get("stain_strength"))
        except (KeyError, TypeError, ValueError, DataError) as error:
            raise ModelError(
                f"model {folder.name}: bad manifest ({error}); install leukoformula again"
            ) from error
        if not 0 <= colour_share <= 1:
            raise ModelError(f"model {folder.name}: its colour share is {colour_share}; train it again")
        if classes != CLASSIFIED or not temperature > 0 or not 16 <= side <= 512 or not (factors > 0).all():
            raise ModelError(f"model {folder.name}: its manifest does not suit this version; train it again")
        network, adaptation = network_and_adaptation(model)
        return cls(
            network,
            side_px=side,
            temperature=temperature,
            factors=factors,
            colour_share=colour_share,
            strength=strength,
            adaptation=adaptation,
        )

    @property
    def classes(self) -> tuple[CellClass, ...]:
        """The classes answered, in the order of the columns of ``predict``."""
        return CLASSIFIED

    @property
    def prior_factors(self) -> NDArray[np.float32]:
        """What the probabilities were multiplied by for the mix of normal blood, shape (10,)."""
        return self._factors

    def predict(self, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return calibrated probabilities; see ``classifiers.base.Classifier.predict``."""
        logits, features = self.answer(crops, whites)
        given = self._probabilities(logits)
        doubtful = np.flatnonzero(_sureness(given) < _SURE)
        if self._strength is not None and len(doubtful):
            plain = self._probabilities(self._look(crops[doubtful], whites[doubtful], None)[0])
            given[doubtful] = _parted(given[doubtful], plain)
        return given if self._adaptation is None else self._adaptation.apply(given, features)

    def _probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        weighed = softmax(logits, self._temperature) * self._factors
        return np.asarray(weighed / weighed.sum(axis=-1, keepdims=True), np.float32)

    @property
    def feature_count(self) -> int:
        """How many features the network gives of a cell; 0 where its file gives none."""
        return 0 if self._features is None else self._features[1]

    def logits(self, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the network's answers before temperature and softmax, shape (N, K), float32."""
        return self.answer(crops, whites)[0]

    def answer(
        self, crops: NDArray[np.uint8], whites: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what the network gives of each cell.

        Parameters
        ----------
        crops : ndarray of shape (N, 112, 112, 3), uint8
            RGB crops of 27 µm.
        whites : ndarray of shape (N, 3), float64
            Colour of the empty slide for each crop, 1 to 255.

        Returns
        -------
        logits : ndarray of shape (N, K), float32
            Answers before temperature and softmax.
        features : ndarray of shape (N, D), float32
            What its last layer weighs; D is ``feature_count``.
        """
        return self._look(crops, whites, self._strength)

    def _look(
        self, crops: NDArray[np.uint8], whites: NDArray[np.float64], strength: StainStrength | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        logits = [np.empty((0, len(CLASSIFIED)), np.float32)]
        features = [np.empty((0, self.feature_count), np.float32)]
        for start in range(0, len(crops), _BATCH):
            stop = start + _BATCH
            batch = network_input(
                crops[start:stop],
                whites[start:stop],
                side_px=self._side,
                colour_share=self._colour_share,
                strength=strength,
            )
            found = self.answer_input(batch)
            logits.append(found[0])
            features.append(found[1])
        return np.concatenate(logits), np.concatenate(features)

    def answer_input(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what ``answer`` returns for a batch that is the network's input already.

        Parameters
        ----------
        batch : ndarray of shape (N, side_px, side_px, 3), float32
            Optical density; see ``classifiers.preprocess.network_input``. N at least 1.

        Returns
        -------
        logits : ndarray of shape (N, K), float32
        features : ndarray of shape (N, D), float32
        """
        if self._features is None:
            (logits,) = self._network.run(batch, self._logits)
            return logits, np.empty((len(batch), 0), np.float32)
        logits, features = self._network.run(batch, self._logits, self._features[0])
        return logits, features


def _sureness(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    neutrophil = probabilities[:, BAND_AND_SEGMENTED].sum(axis=1)
    return np.asarray(np.maximum(probabilities.max(axis=1, initial=0.0), neutrophil), np.float32)


def _parted(strong: NDArray[np.float32], plain: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take platelet and artefact from the second answers, how the rest is shared out from the first."""
    outside = np.zeros(strong.shape[1], np.bool_)
    outside[_NO_LEUKOCYTES] = True
    shares = strong[:, ~outside] / np.maximum(strong[:, ~outside].sum(axis=1, keepdims=True), 1e-9)
    parted = plain.copy()
    parted[:, ~outside] = shares * plain[:, ~outside].sum(axis=1, keepdims=True)
    return np.asarray(parted / parted.sum(axis=1, keepdims=True), np.float32)


def _outputs(shapes: Mapping[int, tuple[int, ...]]) -> tuple[int, tuple[int, int] | None]:
    """Find the outputs by their shapes, since LiteRT keeps neither their names nor their order."""
    logits = [index for index, shape in shapes.items() if shape == (1, len(CLASSIFIED))]
    others = [(index, shape) for index, shape in shapes.items() if index not in logits]
    if len(logits) != 1 or len(others) > 1 or any(len(shape) != 2 or shape[0] != 1 for _, shape in others):
        raise ModelError(
            f"the network answers {', '.join(map(str, shapes.values()))}, not {(1, len(CLASSIFIED))};"
            " install leukoformula again"
        )
    return logits[0], ((others[0][0], others[0][1][1]) if others else None)
