import copy
import dataclasses
import json
import pickle
import subprocess
import sys

import pytest
from conftest import DESIGNS

import eqhdl

TABLES = dict(
    network={"layers": [64, 32, 10], "activation": "hard_sigmoid"},
    rule={"name": "ep", "T": 12, "K": 4, "beta": 0.25, "learning_rates": [0.1, 0.05]},
    formats={"input": "u5.4", "state": ["u8.8", "s10.8"], "weight": "s16.13", "weight_read": "s10.7", "drive": "s10.7", "rate": "u16.16", "nudge": "s8.6"},
    rounding={}, overflow={},
    hardware={"lanes": 8},
    training={"epochs": 2, "seed": 1},
    data={"source": "digits"},
)


def test_a_design_of_dicts_is_that_of_its_text():
    design = eqhdl.Design(name="mine", **TABLES)
    again = eqhdl.Design.from_toml(design.to_toml(), "mine.toml")
    assert design == again and hash(design) == hash(again)
    assert design.name == "mine" and design.neurons == [64, 32, 10]
    assert design.digest == again.digest != design.replace({"rule.beta": 0.5}).digest


def test_layers_may_be_kernels():
    text = eqhdl.Design.load(DESIGNS / "digits-conv.toml").to_toml()
    sections = __import__("tomllib").loads(text) if sys.version_info >= (3, 11) else pytest.skip("no tomllib")
    assert eqhdl.Design(name="digits-conv", **sections).digest == eqhdl.Design.load(DESIGNS / "digits-conv.toml").digest


def test_replace_names_fields_as_studies_do(design):
    other = design.replace({"formats.weight": "s14.11", "rounding.weight": "STOCHASTIC"})
    assert 'weight = "s14.11"' in other.to_toml() and "STOCHASTIC" in other.to_toml()
    assert design.to_toml() == (DESIGNS / "digits-ep.toml").read_text()
    with pytest.raises(eqhdl.DesignError, match="names no field"):
        design.replace({"weight": "s12.10"})


def test_errors_are_the_command_lines(tmp_path, command):
    path = tmp_path / "bad.toml"
    path.write_text((DESIGNS / "digits-ep.toml").read_text().replace("\nbeta", "\nbta"))
    with pytest.raises(eqhdl.DesignError) as caught:
        eqhdl.Design.load(path)
    said = subprocess.run([command, "check", "--no-data", path], capture_output=True, text=True).stderr
    assert str(caught.value).strip() == said.strip() and "did you mean `beta`?" in said
    assert (caught.value.name, caught.value.path) == ("key-unknown", path)
    assert isinstance(caught.value, ValueError) and caught.value.line and caught.value.remedy
    assert pickle.loads(pickle.dumps(caught.value)).name == "key-unknown"


def test_check_and_generate_are_the_command_lines(design, tmp_path, command):
    run = subprocess.run([command, "check", "--no-data", "--json", design.path], capture_output=True, text=True, check=True)
    assert json.loads(json.dumps(dataclasses.asdict(design.check()))) == json.loads(run.stdout)
    files = design.generate(tmp_path / "a")
    subprocess.run([command, "generate", design.path, "-o", tmp_path / "b"], capture_output=True, check=True)
    ours, theirs = ({path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()} for folder in "ab")
    assert ours == theirs
    # The list of digests is the folder's own.
    assert sorted(path.name for path in files) == sorted(ours.keys() - {"eqhdl_digits_ep.sha256"})


def test_designs_are_values(design):
    assert copy.deepcopy(design) is design
    assert pickle.loads(pickle.dumps(design)) == design
    page = design._repr_html_()
    assert "<svg" in page and "64-64-10" in page and page.count("<rect") == 3


def test_cosim_says_equal_or_names_the_first_difference(tmp_path, design):
    design = design.replace({"training.seed": 3})
    result = design.cosim(samples=4, level="all", folder=tmp_path)
    assert result and result.samples == 4 and result.compared > 10_000 and result.difference is None
    assert str(result).startswith("EQUAL at level all")
    assert result.coverage["looked_into"] == 4 and "layer 1, drive" in [g["name"] for g in result.coverage["groups"]]
    wrong = design.cosim(samples=4, folder=tmp_path, inject="nudge-sign")
    d = wrong.difference
    assert wrong.coverage is None
    assert not wrong and (d.field, d.sample, d.phase, d.layer) == ("state", 0, "nudged phase", 2)
    assert d.expected != d.found and d.text in str(wrong) and d.text.split(":")[0] in d._repr_html_() and wrong.reason
    with pytest.raises(eqhdl.DesignError, match="no level of comparison"):
        design.cosim(level="most")
    with pytest.raises(eqhdl.DesignError, match="no defect"):
        design.cosim(samples=1, folder=tmp_path, inject="nothing")


def test_a_missing_tool_is_named(tmp_path):
    program = (
        f"import eqhdl; d = eqhdl.Design.load({str(DESIGNS / 'digits-ep.toml')!r})\n"
        f"try: d.cosim(samples=1, folder={str(tmp_path)!r})\n"
        "except eqhdl.ToolError as e: print(e)"
    )
    run = subprocess.run([sys.executable, "-c", program], env={"PATH": "/nowhere"}, capture_output=True, text=True)
    assert "`verilator` is not installed" in run.stdout, run.stdout + run.stderr


def test_the_command_line_comes_with_the_package(design, command):
    arguments = ["check", str(design.path)]
    theirs = subprocess.run([command, *arguments], capture_output=True)
    ours = subprocess.run([sys.executable, "-m", "eqhdl", *arguments], capture_output=True)
    assert (ours.returncode, ours.stdout, ours.stderr) == (theirs.returncode, theirs.stdout, theirs.stderr)
    assert subprocess.run([sys.executable, "-m", "eqhdl", "check", "nothing.toml"], capture_output=True).returncode == 2
