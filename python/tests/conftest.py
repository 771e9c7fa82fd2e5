"""What the tests share."""

import os
from pathlib import Path

import pytest

import eqhdl

ROOT = Path(__file__).resolve().parents[2]
DESIGNS = ROOT / "designs"


def pytest_report_header():
    return f"eqhdl {eqhdl.__version__} of {Path(eqhdl.__file__).parent}"


@pytest.fixture(scope="session")
def command():
    """The program that cargo has built."""
    return str(ROOT / os.environ.get("EQHDL", "target/release/eqhdl"))


@pytest.fixture
def design():
    return eqhdl.Design.load(DESIGNS / "digits-ep.toml")


@pytest.fixture(scope="session")
def data():
    return eqhdl.Design.load(DESIGNS / "digits-ep.toml").data()
