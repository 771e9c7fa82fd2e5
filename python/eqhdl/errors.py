"""What eqhdl refuses, in the words of its command line."""

from __future__ import annotations

import os


class EqhdlError(Exception):
    """Every error of eqhdl's own."""

    def __str__(self) -> str:
        return "\n" + str(self.args[0]).rstrip() if self.args else ""


class DesignError(EqhdlError, ValueError):
    """A design that cannot be used. The attributes are None where nothing is known of them."""

    def __init__(
        self,
        text: str,
        path: os.PathLike[str] | None = None,
        line: int | None = None,
        name: str | None = None,
        message: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(text, path, line, name, message, remedy)
        #: The design file.
        self.path = path
        #: The line that is refused, from 1.
        self.line = line
        #: What the refusal is called, in words with hyphens.
        self.name = name
        #: What is wrong.
        self.message = message
        #: What would be right.
        self.remedy = remedy


class DataError(EqhdlError, ValueError):
    """Samples, weights or a checkpoint that cannot be used: which array, sample and value, and what would be right."""


class ToolError(EqhdlError, RuntimeError):
    """A tool that is missing or has failed, or an output that cannot be written."""
