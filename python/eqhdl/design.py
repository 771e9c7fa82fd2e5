"""Designs: what a network is, in which number formats, and the hardware that comes of it."""

from __future__ import annotations

import dataclasses
import html
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _eqhdl


@dataclasses.dataclass(frozen=True)
class Check:
    """What ``eqhdl check`` says of a design."""

    #: Name of the design.
    design: str
    #: Synapses processed per clock cycle.
    lanes: int
    #: Signals with their raw intervals, widths and fraction bits.
    signals: list[dict[str, Any]]
    #: Layers: shape, taps, weights, products.
    layers: list[dict[str, Any]]
    #: Bits of all memories.
    memory_bits: int
    #: Memories: words, bits, ports.
    memories: list[dict[str, Any]]
    #: Multipliers: how many, of how many bits.
    multipliers: list[dict[str, Any]]
    #: Clock cycles per sample, by the number of inputs that are not zero.
    cycles_per_sample: list[dict[str, Any]]
    #: The cycles are the most: what would change nothing is left out.
    leaves_out: bool
    #: Constants: name, value asked for, value in use.
    constants: list[tuple[str, float, float]]
    #: What one should know, a sentence each.
    warnings: list[str]


@dataclasses.dataclass(frozen=True)
class Difference:
    """The first thing in which hardware and reference differ."""

    #: What differs: ``state``, ``drive``, ``weight``, ``cycles``, ...
    field: str
    #: Sample number since the start of the run.
    sample: int
    #: Pass over the network within the sample, from 0.
    pass_: int | None
    #: Its phase, its time step (from 1), and the steps of the phase.
    phase: str
    step: int | None
    steps: int | None
    #: Layer, neuron, and (of a weight) the pre-synaptic neuron it comes from; None of a bias.
    layer: int
    neuron: int | None
    from_: int | None
    #: Raw values of reference and hardware, their format, and the same as real numbers.
    expected: int
    found: int
    format: str | None
    expected_real: float | None
    found_real: float | None
    #: Clock cycle of the hardware's event.
    cycle: int
    #: One sentence.
    text: str

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        rows = [("", "raw", "real"), ("reference", self.expected, self.expected_real)]
        rows.append(("hardware", self.found, self.found_real))
        cells = "".join(
            "<tr>" + "".join(f"<td>{'' if c is None else html.escape(str(c))}</td>" for c in row) + "</tr>" for row in rows
        )
        return f"<p>{html.escape(self.text)}</p><table>{cells}</table>"


@dataclasses.dataclass(frozen=True)
class Cosim:
    """What a cross-check came to; true where hardware and reference agree in every bit."""

    equal: bool
    level: str
    #: Samples, single states and weights, and step signatures compared.
    samples: int
    compared: int
    signatures: int
    #: None where all is equal.
    difference: Difference | None
    #: How the reference came to its value, in one sentence.
    reason: str | None
    #: Clock cycles of a training sample, as the hardware counted them, and the share of all cycles that read weights.
    cycles_per_sample: float
    weight_read_share: float
    #: From the hardware's predictions, 0 to 1; None without test samples.
    test_accuracy: float | None
    wall_s: float
    weights_digest: str
    #: What the samples have exercised and what they never did, point by point: the content of the command line's
    #: ``coverage.json``. None where something differs.
    coverage: dict[str, Any] | None = None

    def __bool__(self) -> bool:
        return self.equal

    def __str__(self) -> str:
        if self.difference is not None:
            return f"DIFFERENT at level {self.level}: {self.difference.text}"
        return (
            f"EQUAL at level {self.level}: {self.samples:,} samples, {self.compared:,} states and weights, "
            f"{self.signatures:,} signatures"
        )


@dataclasses.dataclass(frozen=True)
class DataSet:
    """Samples: inputs of shape (samples, values), labels of shape (samples,), and the checksum of both parts."""

    x_train: NDArray[np.float32]
    y_train: NDArray[np.uint16]
    x_test: NDArray[np.float32]
    y_test: NDArray[np.uint16]
    checksum: str


class Design:
    """A validated design; it never changes.

    ``Design(network={...}, rule={...}, formats={...}, training={...}, data={...}, ...)`` takes the tables and keys of a
    design file. Raises :class:`DesignError` with a pointer into the text.
    """

    def __init__(self, *, name: str = "design", **tables: Mapping[str, Any]) -> None:
        plain = {section: dict(table) if isinstance(table, Mapping) else table for section, table in tables.items()}
        self._native = _eqhdl.Design.of_tables(plain, f"{name}.toml")

    @classmethod
    def _of(cls, native: _eqhdl.Design) -> Design:
        design = cls.__new__(cls)
        design._native = native
        return design

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Design:
        """The design in a file."""
        return cls._of(_eqhdl.Design.load(path))

    @classmethod
    def from_toml(cls, text: str, path: str | os.PathLike[str] = "design.toml") -> Design:
        """The design of a text; ``path`` names it in errors, and its stem names the design where the text does not."""
        return cls._of(_eqhdl.Design.parse(text, path))

    def replace(self, fields: Mapping[str, Any] | None = None, **more: Any) -> Design:
        """Another design with these fields set, named as in study files: ``{"formats.weight": "s12.10"}``."""
        return self._of(self._native.replace({**(fields or {}), **more}))

    def to_toml(self) -> str:
        """The design file's text."""
        return self._native.text

    @property
    def name(self) -> str:
        """Its name, after which modules and files are called."""
        return self._native.name

    @property
    def path(self) -> Path:
        """The file it came from, or what stands for it in errors."""
        return Path(self._native.path)

    @property
    def neurons(self) -> list[int]:
        """Neurons of layers 0 (the input) to L (the output)."""
        return list(self._native.neurons)

    @property
    def digest(self) -> str:
        """SHA-256 of everything that decides a bit of a training."""
        return self._native.digest

    def check(self) -> Check:
        """Formats, intervals, memory, multipliers and cycles, as ``eqhdl check`` has them."""
        found = json.loads(self._native.check())
        found["constants"] = [tuple(constant) for constant in found["constants"]]
        return Check(**{field.name: found[field.name] for field in dataclasses.fields(Check)})

    def generate(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Writes the Verilog, as ``eqhdl generate -o folder`` does; the files, without the list of their digests."""
        return [Path(folder) / name for name in self._native.generate(folder)]

    def data(self) -> DataSet:
        """The samples that the design names under ``[data]``."""
        data = self._native.data()
        return DataSet(*data.train(), *data.test(), data.checksum)

    def cosim(
        self,
        data: tuple[Any, Any] | None = None,
        *,
        samples: int | None = None,
        epochs: int | None = None,
        level: str = "events",
        folder: str | os.PathLike[str] | None = None,
        inject: str | None = None,
    ) -> Cosim:
        """Trains in hardware (Verilator) and in the reference, and compares.

        ``data`` is ``(x, y)``, or what the design names; ``level`` one of final, signature, states, events, all;
        ``inject`` builds a named defect in. Builds are kept in ``folder`` (``build/NAME``).
        """
        native = self._native.data() if data is None else _eqhdl.Data(self._native, *data)
        folder = Path("build") / self.name if folder is None else folder
        found = json.loads(self._native.cosim(native, samples, epochs, level, folder, inject))
        difference = found["difference"]
        if difference is not None:
            difference["pass_"] = difference.pop("pass")
            difference["from_"] = difference.pop("from")
            found["difference"] = Difference(**difference)
        return Cosim(**found)

    def __repr__(self) -> str:
        return f"<eqhdl.Design {self.name}: {self._native.layers_text}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Design):
            return NotImplemented
        return self.to_toml() == other.to_toml() and self.name == other.name

    def __hash__(self) -> int:
        return hash((self.to_toml(), self.name))

    def __copy__(self) -> Design:
        return self

    def __deepcopy__(self, memo: object) -> Design:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (Design.from_toml, (self.to_toml(), str(self.path)))

    def _repr_html_(self) -> str:
        width, height, step = 24, 120, 110
        most = max(self.neurons)
        parts = []
        for layer, neurons in enumerate(self.neurons):
            tall = max(14.0, height * (neurons / most) ** 0.5)
            x, y = 10 + layer * step, 10 + (height - tall) / 2
            parts.append(f'<rect x="{x}" y="{y:.1f}" width="{width}" height="{tall:.1f}" rx="4" fill="#8ab"/>')
            parts.append(f'<text x="{x + width / 2}" y="{height + 28}" text-anchor="middle" font-size="12">{neurons}</text>')
            if layer:
                middle = 10 + height / 2
                parts.append(
                    f'<line x1="{x - step + width + 4}" y1="{middle}" x2="{x - 4}" y2="{middle}" stroke="#567" stroke-width="2"/>'
                )
        wide = 20 + (len(self.neurons) - 1) * step + width
        title = html.escape(f"{self.name}: {self._native.layers_text}")
        return f'<div>{title}<br/><svg width="{wide}" height="{height + 40}">{"".join(parts)}</svg></div>'
