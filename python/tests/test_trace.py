"""A trace against the commit port of the simulated hardware, as its waveform has it."""

import subprocess

import numpy as np
import pytest
from conftest import DESIGNS

import eqhdl


def events(path):
    """Of every clock cycle of a waveform with an event: the port's signals by name."""
    names, values, seen = {}, {}, False
    for line in path.read_text().splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "$var":
            names[words[3]] = words[4]
        elif words[0].startswith("#"):
            if seen:
                yield values
            seen = True
        elif words[0][0] == "b":
            values[names[words[1]]] = words[0][1:]
        elif words[0][0] in "01":
            values[names[words[0][1:]]] = words[0][0]
    yield values


def signed(bits):
    return int(bits, 2) - (int(bits[0]) << len(bits))


@pytest.mark.parametrize("name", ["digits-ep", "digits-cep"])
def test_the_trace_is_what_the_hardware_commits(name, tmp_path, command):
    design = eqhdl.Design.load(DESIGNS / f"{name}.toml")
    run = [command, "cosim", design.path, "--samples", "1", "-o", tmp_path]
    subprocess.run(run, capture_output=True, check=True)
    # Which sample an epoch begins with is the seed's: it is the one whose trace fits, and no other's does.
    data = design.data()
    neurons, passes = {}, 0
    for values in events(tmp_path / "first_sample.vcd"):
        if values.get("neuron_valid_i") == "1":
            at = int(values["neuron_layer_i"], 2), int(values["neuron_index_i"], 2)
            neurons[(passes, *at)] = signed(values["neuron_drive_i"]), signed(values["neuron_state_i"])
        passes += values.get("step_valid_i") == "1"

    def fits(trace):
        drives, states = np.zeros_like(trace.drives), np.zeros_like(trace.states)
        for (at, layer, neuron), (drive, state) in neurons.items():
            if at >= len(drives):
                return False
            column = trace.spans[layer - 1][0] + neuron
            drives[at, column], states[at, column] = drive, state
        moved = trace.relaxed
        return passes == len(moved) and np.array_equal(drives[moved], trace.drives[moved]) and np.array_equal(states[moved], trace.states[moved])

    model = eqhdl.Model(design)
    found = [k for k in range(len(data.x_train)) if fits(model.trace(data.x_train[k], int(data.y_train[k])))]
    assert len(found) == 1 and len(neurons) > 500, (found, passes, len(neurons))
