"""Networks trained by Equilibrium Propagation: bit-accurate model, synthesizable Verilog, and the proof that they agree.

    >>> design = eqhdl.Design.load("designs/digits-ep.toml")
    >>> data = design.data()
    >>> model = eqhdl.Model(design).fit(data.x_train, data.y_train, test=(data.x_test, data.y_test))
    >>> model.score(data.x_test, data.y_test)
    >>> print(design.cosim(samples=100))

The model's integers are those of the Verilog that ``design.generate`` writes, in every bit; ``design.cosim`` proves it.
"""

from ._eqhdl import __version__
from .design import Check, Cosim, DataSet, Design, Difference
from .errors import DataError, DesignError, EqhdlError, ToolError
from .model import FloatModel, Model, Saturation, Trace

__all__ = [
    "Check",
    "Cosim",
    "DataError",
    "DataSet",
    "Design",
    "DesignError",
    "Difference",
    "EqhdlError",
    "FloatModel",
    "Model",
    "Saturation",
    "ToolError",
    "Trace",
    "__version__",
]
