"""A network of images in LiteRT's format, built from bytes and run on batches of any size."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from cells.errors import ModelError


class ImageNetwork:
    """An interpreter of one network, for one thread at a time.

    Attributes
    ----------
    size : tuple of int
        Height and width of an image, px.
    outputs : mapping of int to tuple of int
        Shape of each output for a batch of one image, by number; LiteRT keeps neither their names nor their
        order.
    """

    size: tuple[int, int]
    outputs: Mapping[int, tuple[int, ...]]

    def __init__(
        self,
        content: bytes,
        *,
        refusal: str,
        remedy: str,
        size: tuple[int, int] | None = None,
        threads: int = 1,
    ) -> None:
        """Build the interpreter.

        Parameters
        ----------
        content : bytes
            LiteRT model, input (N, height, width, 3).
        refusal, remedy : str
            What the error says, before and after the reason, where the bytes are no such model.
        size : tuple of int, optional
            Height and width that the network is to take, px; None takes those of the file.
        threads : int, optional
            Threads of the interpreter.

        Raises
        ------
        ModelError
            Where the bytes are no LiteRT model of that form.
        """
        try:
            self._interpreter: Any = Interpreter(model_content=content, num_threads=threads)
            entry = self._interpreter.get_input_details()[0]
            self._input = entry["index"]
            height, width = size or map(int, entry["shape_signature"][1:3])
            self._take((1, height, width, 3))
            details = self._interpreter.get_output_details()
        except (ValueError, RuntimeError, IndexError) as error:
            raise ModelError(f"{refusal}: {error}; {remedy}") from error
        self.size = height, width
        self.outputs = MappingProxyType({int(one["index"]): tuple(map(int, one["shape"])) for one in details})

    def run(self, batch: NDArray[np.float32], *outputs: int) -> list[NDArray[np.float32]]:
        """Return some of the network's outputs for a batch.

        Parameters
        ----------
        batch : ndarray of shape (N, height, width, 3), float32
            The images as the network takes them; N at least 1.
        *outputs : int
            Numbers of the outputs.

        Returns
        -------
        list of ndarray of shape (N, ...), float32
            One for each number.
        """
        if len(batch) != self._count:
            self._take(batch.shape)
        self._interpreter.set_tensor(self._input, batch)
        self._interpreter.invoke()
        return [np.asarray(self._interpreter.get_tensor(number), np.float32) for number in outputs]

    def _take(self, shape: tuple[int, ...]) -> None:
        self._interpreter.resize_tensor_input(self._input, shape)
        self._interpreter.allocate_tensors()
        self._count = shape[0]
