"""Models: the bit-accurate one, and the one in floats that it approximates."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping
from os import PathLike, fspath
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _eqhdl
from .design import Design
from .errors import DataError


@dataclasses.dataclass(frozen=True)
class Saturation:
    """What a training did to one signal of one layer, over the samples that were counted."""

    layer: int
    #: ``drive``, ``state`` or ``weight``.
    signal: str
    format: str
    #: Values seen, and of these how many lay beyond the format.
    values: int
    saturated: int
    #: Range seen after saturation, real numbers; None where nothing was seen.
    least: float | None
    greatest: float | None
    #: Of weights: updates that were not zero but were rounded to nothing.
    lost_updates: int | None


@dataclasses.dataclass(frozen=True)
class Trace:
    """Every pass of one training sample, as the hardware commits it; a row per pass that was made."""

    #: Class read out at the end of the free phase.
    prediction: int
    #: Phase of each pass, the time step within it (from 1), and the pass's number in the sample (those left out count).
    phase: list[str]
    step: NDArray[np.uint32]
    number: NDArray[np.uint32]
    #: Neurons moved; synapses learned.
    relaxed: NDArray[np.bool_]
    learned: NDArray[np.bool_]
    #: Raw states and drives, (passes, neurons of layers 1 to L); imaginary parts and corners where a design has them.
    states: NDArray[np.int32]
    drives: NDArray[np.int32]
    #: Raw weights of each layer of synapses, (passes, rows, columns), the last column the biases.
    weights: list[NDArray[np.int32]]
    #: Columns of ``states`` that are layer l, at l - 1: from, to.
    spans: list[tuple[int, int]]
    #: Fraction bits of drives and states of layer l, at row l - 1.
    fractions: NDArray[np.int32]
    imaginary_states: NDArray[np.int32] | None = None
    imaginary_drives: NDArray[np.int32] | None = None
    corners: NDArray[np.int32] | None = None


class _Estimator:
    """What scikit-learn asks of an estimator, without scikit-learn."""

    _estimator_type = "classifier"
    #: What does the work.
    _kind: type[_eqhdl.Model | _eqhdl.FloatModel]

    def __init__(self, design: Design, *, epochs: int | None = None) -> None:
        self.design = design
        self.epochs = epochs
        self._native: Any = self._kind(design._native)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"design": self.design, "epochs": self.epochs}

    def set_params(self, **params: Any) -> Any:
        """Sets arguments, or fields of the design: ``set_params(**{"formats.weight": "s12.10"})``."""
        own = {name: value for name, value in params.items() if "." not in name}
        fields = {name: value for name, value in params.items() if "." in name}
        unknown = set(own) - set(self.get_params())
        if unknown:
            raise ValueError(f"{type(self).__name__} has no parameter {sorted(unknown)}; there are {sorted(self.get_params())}")
        design = own.get("design", self.design)
        if fields:
            design = design.replace(fields)
        self.__init__(design, epochs=own.get("epochs", self.epochs))  # type: ignore[misc]
        return self

    @property
    def classes_(self) -> NDArray[np.int64]:
        """The classes, 0 to the number of output neurons less one."""
        return np.arange(self.design.neurons[-1])

    @property
    def n_features_in_(self) -> int:
        """Values of a sample."""
        return self.design.neurons[0]

    def predict(self, x: ArrayLike) -> NDArray[np.int64]:
        """The classes read out, (samples,); sample i under the random bits of sample number i."""
        return self._native.predict(self.design._native, x).astype(np.int64)

    def score(self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Share of right predictions, 0 to 1."""
        right = self.predict(x) == np.asarray(y)
        return float(np.average(right, weights=sample_weight))

    def __sklearn_is_fitted__(self) -> bool:
        # A network predicts from its first weights on.
        return True

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            transformer_tags=None,
            regressor_tags=None,
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(),
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.design!r}, epochs={self.epochs})"


class Model(_Estimator):
    """The bit-accurate model of a design: the integers of its hardware.

    A scikit-learn classifier where that fits. It predicts from its initial weights on, which are a function of the seed.
    ``epochs`` stands for the design's where it is given.
    """

    _kind = _eqhdl.Model

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        *,
        epochs: int | None = None,
        test: tuple[ArrayLike, ArrayLike] | None = None,
        progress: bool = False,
        callback: Callable[[Model, int, float, float], Any] | None = None,
        checkpoint: str | PathLike[str] | None = None,
        resume: bool = False,
    ) -> Model:
        """Trains from the initial weights: ``eqhdl train`` on these samples, bit for bit.

        ``x`` has the shape (samples, ...), uint8 (divided by 255) or other numbers; ``y`` (samples,), whole ones from 0. ``test``
        samples follow the training samples of every epoch, and count: random bits are keyed by a sample's number.
        ``callback(model, epoch, train accuracy, test accuracy)`` is called after each epoch; what is true ends the training.
        A ``checkpoint`` is the command line's, which goes on with it, as this does with ``resume=True``.

        Ctrl-C ends the training with KeyboardInterrupt and leaves the weights as they were then.
        """
        data = _eqhdl.Data(self.design._native, x, y, *(test or ()))
        bar = _Bar() if progress else None
        on_epoch = None if callback is None else (lambda *state: callback(self, *state))
        try:
            train, tested, rate, cycles = self._native.fit(
                data, self.epochs if epochs is None else epochs, checkpoint, resume, bar, on_epoch
            )
        finally:
            if bar is not None:
                bar.close()
        #: Accuracies per epoch, 0 to 1: at the free phase before each update, and on the test samples after.
        self.train_accuracy_ = train
        self.test_accuracy_ = tested
        #: Samples per second, and the hardware's clock cycles per training sample.
        self.samples_per_s_ = rate
        self.cycles_per_sample_ = cycles
        return self

    def partial_fit(self, x: ArrayLike, y: ArrayLike, classes: object = None) -> Model:
        """Learns these samples once, in their order, from where the model stands; the last batch may be shorter."""
        self._native.partial_fit(_eqhdl.Data(self.design._native, x, y))
        return self

    @property
    def weights(self) -> dict[str, NDArray[np.int32]]:
        """Raw weights ``w1`` (rows: post-synaptic neurons), biases ``b1``, ...; ``back2``, ... of a way back of its own;
        velocities ``velocity1``, ``velocity_b1``, ...: copies, in the names of ``eqhdl train --save``."""
        return self._native.weights()

    @property
    def weights_real(self) -> dict[str, NDArray[np.float64]]:
        """The same as real numbers."""
        fractions = {name: fraction for name, _, fraction in self._native.formats()}
        return {name: np.ldexp(raw.astype(np.float64), -fractions[name]) for name, raw in self.weights.items()}

    @property
    def formats(self) -> dict[str, str]:
        """Number formats of the weights, by the same names."""
        return {name: text for name, text, _ in self._native.formats()}

    @property
    def weights_digest(self) -> str:
        """SHA-256 of all weights, as the command line prints it."""
        return self._native.digest()

    @property
    def saturations(self) -> list[Saturation]:
        """Ranges, saturations and lost updates of the last ``fit``; one training sample in so many is counted."""
        return [Saturation(*row) for row in self._native.saturations()]

    def load_weights(self, source: Any) -> dict[str, float]:
        """Takes weights from an NPZ file, a dict, or a PyTorch ``state_dict``; the largest error of each, by name.

        Named ``w1``, ``b1``, ... they are taken as named: integers are raw values (``w1_frac`` their fraction bits, where
        not the design's), floats real ones, which go to the nearest of the format. Other names are taken in order, layer by
        layer: weights (two or more dimensions; kernels as PyTorch has them), then biases.
        """
        if isinstance(source, (str, PathLike)):
            try:
                with np.load(fspath(source)) as file:
                    given: dict[str, Any] = dict(file)
            except (OSError, ValueError) as e:
                raise DataError(f"{source}: cannot be read as NPZ: {e}") from None
        elif isinstance(source, Mapping):
            given = {str(name): _numpy(value) for name, value in source.items()}
        else:
            raise DataError(f"weights: a file, or a mapping from names to arrays, and no {type(source).__name__}")
        fractions = {name: fraction for name, _, fraction in self._native.formats()}
        if "w1" not in given:
            given = _in_order(given)
        layers = len(self.design.neurons) - 1
        missing = [name for l in range(1, layers + 1) for name in (f"w{l}", f"b{l}") if name not in given]
        if missing:
            raise DataError(f"weights: {', '.join(missing)} are missing; there are {', '.join(given) or 'none'}")
        before = self.weights
        errors = {}
        try:
            for name in (name for name in given if name in fractions):
                array = np.asarray(given[name])
                if array.dtype.kind not in "iuf":
                    raise DataError(f"weights: `{name}` has dtype {array.dtype.str}; integers or floats are needed")
                raw, values = array.dtype.kind in "iu", array.astype(np.float64)
                theirs = int(np.ravel(given.get(f"{name}_frac", fractions[name]))[0])
                if raw and theirs != fractions[name]:
                    raw, values = False, np.ldexp(values, -theirs)
                if values.ndim == 4:
                    # PyTorch's (out, in, rows, columns); here channels run fastest.
                    values = values.transpose(0, 2, 3, 1)
                wide = values[:, None] if values.ndim == 1 else values.reshape(len(values), -1)
                errors[name] = self._native.set_weights(name, np.ascontiguousarray(wide), raw)
        except BaseException:
            # All or nothing.
            for name, raw_before in before.items():
                wide = raw_before.astype(np.float64).reshape(len(raw_before), -1)
                self._native.set_weights(name, wide, True)
            raise
        return errors

    def trace(self, x: ArrayLike, y: int, *, number: int = 0) -> Trace:
        """Every pass of one training sample from the weights at hand, which stay as they are.

        ``x`` is one sample; ``number`` keys its random bits.
        """
        data = _eqhdl.Data(self.design._native, np.asarray(x)[None], np.asarray([y]))
        return Trace(**self._native.trace(data, number))

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name != "_native"}
        state["weights"] = self.weights
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        weights = state.pop("weights")
        self.__dict__.update(state)
        self._native = self._kind(self.design._native)
        self.load_weights(weights)


class FloatModel(_Estimator):
    """The same network in 64-bit floats: what the bit-accurate model approximates (``eqhdl train --float``)."""

    _kind = _eqhdl.FloatModel

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        *,
        epochs: int | None = None,
        test: tuple[ArrayLike, ArrayLike] | None = None,
    ) -> FloatModel:
        """Trains from the real values of the initial weights; arguments as of :meth:`Model.fit`."""
        data = _eqhdl.Data(self.design._native, x, y, *(test or ()))
        self.train_accuracy_, self.test_accuracy_ = self._native.fit(data, self.epochs if epochs is None else epochs)
        return self

    @property
    def weights(self) -> dict[str, NDArray[np.float64]]:
        """Weights ``w1`` (rows: post-synaptic), biases ``b1``, ...: copies."""
        return self._native.weights()

    def gradient(self, x: ArrayLike, y: ArrayLike, by: str = "ep") -> dict[str, NDArray[np.float64]]:
        """The direction of learning, the mean over the samples, in the names and shapes of ``weights``.

        ``by="bptt"``: minus the gradient of the loss, by backpropagation through the last K of T steps; ``by="ep"``: what the
        design's rule estimates of it.
        """
        if by not in ("ep", "bptt"):
            raise ValueError(f"by={by!r}: gradients are by \"ep\" or by \"bptt\"")
        return self._native.gradient(_eqhdl.Data(self.design._native, x, y), by == "bptt")


class _Bar:
    """A line of progress on standard error."""

    def __init__(self) -> None:
        self._shown = False

    def __call__(self, done: int, total: int, epoch: int, accuracy: float) -> None:
        self._shown = True
        sys.stderr.write(f"\r{100 * done / total:5.1f} %  epoch {epoch + 1}  train {100 * accuracy:6.2f} %")
        sys.stderr.flush()

    def close(self) -> None:
        if self._shown:
            sys.stderr.write("\n")


def _numpy(value: Any) -> NDArray[Any]:
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(value)


def _in_order(given: Mapping[str, Any]) -> dict[str, Any]:
    weights = [value for value in given.values() if value.ndim >= 2]
    biases = [value for value in given.values() if value.ndim == 1]
    named = {f"w{l}": value for l, value in enumerate(weights, 1)}
    return named | {f"b{l}": value for l, value in enumerate(biases, 1)}
