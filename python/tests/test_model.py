import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from conftest import DESIGNS

import eqhdl

DIGITS = sorted(path.name for path in DESIGNS.glob("digits-*.toml"))


@pytest.mark.parametrize("name", DIGITS)
def test_weights_are_the_command_lines(name, tmp_path, command):
    # Short, but to the end of an epoch: test samples count.
    design = eqhdl.Design.load(DESIGNS / name).replace({"training.train_samples": 60, "training.test_samples": 20})
    path = tmp_path / name
    path.write_text(design.to_toml())
    run = [command, "train", path, "--epochs", "2", "--json", "-q", "-o", tmp_path, "--save", tmp_path / "w.npz"]
    report = json.loads(subprocess.run(run, capture_output=True, text=True, check=True).stdout)
    data = design.data()
    model = eqhdl.Model(design).fit(data.x_train, data.y_train, epochs=2, test=(data.x_test, data.y_test))
    assert model.weights_digest == report["weights_digest"]
    assert data.checksum == report["data_checksum"]
    assert model.test_accuracy_ == report["test_accuracy_per_epoch"]
    assert model.train_accuracy_ == report["train_accuracy_per_epoch"]
    with np.load(tmp_path / "w.npz") as saved:
        assert {"design", *model.weights, *(f"{key}_frac" for key in model.weights)} == set(saved)
        for key in model.weights:
            assert np.array_equal(model.weights[key], saved[key]), key
    other = eqhdl.Model(design)
    assert set(other.load_weights(tmp_path / "w.npz").values()) == {0.0}
    assert other.weights_digest == model.weights_digest


def test_checkpoints_are_the_command_lines(tmp_path, command, design, data):
    run = [command, "train", design.path, "--epochs", "2", "--json", "-q", "-o", tmp_path]
    report = json.loads(subprocess.run(run, capture_output=True, text=True, check=True).stdout)
    test = (data.x_test, data.y_test)
    on = eqhdl.Model(design).fit(data.x_train, data.y_train, epochs=3, test=test, checkpoint=tmp_path / "checkpoint", resume=True)
    whole = eqhdl.Model(design, epochs=3).fit(data.x_train, data.y_train, test=test)
    assert on.weights_digest == whole.weights_digest != report["weights_digest"]
    with pytest.raises(eqhdl.DataError, match="belongs to another training"):
        other = eqhdl.Model(design.replace({"rule.beta": 0.5}))
        other.fit(data.x_train, data.y_train, test=test, checkpoint=tmp_path / "checkpoint", resume=True)


def test_callbacks_see_the_model_and_end_the_training(design, data):
    seen = []

    def callback(model, epoch, train, test):
        seen.append((epoch, model.weights_digest, train, test))
        return epoch == 2

    model = eqhdl.Model(design).fit(data.x_train[:200], data.y_train[:200], epochs=5, callback=callback)
    assert [s[0] for s in seen] == [1, 2] and seen[0][1] != seen[1][1] == model.weights_digest
    assert model.train_accuracy_ == [s[2] for s in seen]
    with pytest.raises(ZeroDivisionError):
        model.fit(data.x_train[:50], data.y_train[:50], callback=lambda *_: 1 / 0)


def test_progress_is_told(design, data, capfd):
    eqhdl.Model(design).fit(data.x_train, data.y_train, epochs=40, progress=True)
    assert "epoch" in capfd.readouterr().err


def test_partial_fit_goes_on(design, data):
    # In their order, and one after the other: two halves are the whole, random bits and all.
    design = design.replace({"rounding.weight": "STOCHASTIC"})
    one = eqhdl.Model(design).partial_fit(data.x_train[:80], data.y_train[:80])
    two = eqhdl.Model(design).partial_fit(data.x_train[:40], data.y_train[:40])
    half = two.weights_digest
    two.partial_fit(data.x_train[40:80], data.y_train[40:80])
    assert one.weights_digest == two.weights_digest != half


def test_bytes_are_what_they_are_in_files(design, data):
    bytes_ = np.round(data.x_train[:50] * 255).astype(np.uint8)
    floats = bytes_.astype(np.float32) / np.float32(255)
    fit = lambda x: eqhdl.Model(design).fit(x, data.y_train[:50], epochs=1).weights_digest
    assert fit(bytes_) == fit(floats) == fit(floats.astype(np.float64)) == fit(floats.astype(">f4"))
    assert fit(np.asfortranarray(floats)) == fit(floats) == fit(np.repeat(floats, 2, axis=1)[:, ::2])
    assert fit(floats.tolist()) == fit(floats)


def test_scikit_learn_takes_it(design, data):
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV, cross_val_score

    x, y = data.x_train[:300], data.y_train[:300].astype(int)
    model = eqhdl.Model(design, epochs=3)
    copy = clone(model)
    assert copy is not model and copy.get_params() == model.get_params()
    scores = cross_val_score(model, x, y, cv=3)
    assert scores.shape == (3,) and scores.min() > 0.4
    search = GridSearchCV(model, {"formats.weight": ["s16.13", "s12.9"], "epochs": [2]}, cv=2).fit(x, y)
    assert search.best_params_["formats.weight"] in ("s16.13", "s12.9") and search.score(x, y) > 0.4
    with pytest.raises(ValueError, match="has no parameter"):
        model.set_params(epoch=3)
    assert list(model.classes_) == list(range(10)) and model.n_features_in_ == 64


def test_models_are_pickled_with_their_weights(design, data):
    model = eqhdl.Model(design).fit(data.x_train[:100], data.y_train[:100], epochs=1)
    again = pickle.loads(pickle.dumps(model))
    assert again.weights_digest == model.weights_digest
    assert np.array_equal(again.predict(data.x_test), model.predict(data.x_test))


class Tensor:
    """As much of PyTorch's as is looked at."""

    def __init__(self, array):
        self.array = array

    def detach(self):
        return self

    cpu = detach

    def numpy(self):
        return self.array


def test_weights_come_from_pytorch(design):
    random = np.random.default_rng(1)
    shapes = {"0.weight": (64, 64), "0.bias": (64,), "2.weight": (10, 64), "2.bias": (10,)}
    state = {name: random.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    model = eqhdl.Model(design)
    errors = model.load_weights({name: Tensor(a) for name, a in state.items()})
    assert set(errors) == {"w1", "b1", "w2", "b2"} and set(model.formats) == set(errors)
    for name, given in zip(("w1", "b1", "w2", "b2"), state.values()):
        error = np.abs(model.weights_real[name] - given).max()
        assert error == errors[name] and 0 < error <= 2.0**-14
    before = model.weights_digest
    state["2.weight"][3, 4] = np.nan
    with pytest.raises(eqhdl.DataError, match="`w2`, row 3, column 4 is NaN"):
        model.load_weights(state)
    assert model.weights_digest == before, "all or nothing"
    with pytest.raises(eqhdl.DataError, match=r"shape \[64, 63\]; \(64, 64\)"):
        model.load_weights({**model.weights, "w1": np.zeros((64, 63))})
    with pytest.raises(eqhdl.DataError, match="b2 are missing"):
        model.load_weights({"w1": state["0.weight"], "b1": state["0.bias"], "w2": np.zeros((10, 64))})
    with pytest.raises(eqhdl.DataError, match="raw values of s16.13"):
        model.load_weights({**model.weights, "w1": np.full((64, 64), 40_000)})


def test_a_trace_tells_what_training_did(design, data):
    model = eqhdl.Model(design)
    trace = model.trace(data.x_train[0], int(data.y_train[0]))
    before = model.weights
    model.partial_fit(data.x_train[:1], data.y_train[:1])
    assert np.array_equal(trace.weights[0][-1][:, :-1], model.weights["w1"])
    assert np.array_equal(trace.weights[1][-1][:, -1], model.weights["b2"])
    assert np.array_equal(trace.weights[0][0][:, :-1], before["w1"])
    assert trace.phase[0] == "free phase" and trace.phase[-1] == "update" and list(trace.learned) == [False] * (len(trace.phase) - 1) + [True]
    assert trace.states.shape == trace.drives.shape == (len(trace.phase), 74) and trace.spans == [(0, 64), (64, 74)]
    assert np.all(np.diff(trace.number.astype(int)) > 0)


def test_saturations_are_the_command_lines(design, data, tmp_path, command):
    run = [command, "train", design.path, "--epochs", "1", "--json", "-q", "-o", tmp_path]
    counters = json.loads(subprocess.run(run, capture_output=True, text=True, check=True).stdout)["counters"]
    model = eqhdl.Model(design).fit(data.x_train, data.y_train, epochs=1, test=(data.x_test, data.y_test))
    rows = model.saturations
    assert [(r.layer, r.signal) for r in rows] == [(l, s) for l in (1, 2) for s in ("drive", "state", "weight")]
    for row in rows:
        theirs = counters["layers"][row.layer - 1][row.signal]
        assert (row.values, row.saturated) == (theirs["values"], theirs["saturated"]) and row.values > 0
        fraction = int(row.format.split(".")[1])
        assert (row.least, row.greatest) == (theirs["min"] / 2**fraction, theirs["max"] / 2**fraction)
    assert rows[2].lost_updates == counters["layers"][0]["lost_updates"]


def test_ctrl_c_leaves_a_usable_model(design, data):
    program = (
        "import eqhdl, signal\n"
        # A shell's background jobs, and what they start, ignore SIGINT.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"d = eqhdl.Design.load({str(design.path)!r}); data = d.data(); m = eqhdl.Model(d); first = m.weights_digest\n"
        "print('ready', flush=True)\n"
        "try: m.fit(data.x_train, data.y_train, epochs=1_000_000)\n"
        "except KeyboardInterrupt: print('stopped', m.weights_digest != first, m.score(data.x_test, data.y_test) > 0.5)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    time.sleep(2)
    child.send_signal(signal.SIGINT)
    try:
        assert child.communicate(timeout=60)[0].strip() == "stopped True True"
    finally:
        child.kill()


def test_the_gil_is_released_and_threads_may_share_a_model(design, data):
    model = eqhdl.Model(design)
    thread = threading.Thread(target=model.fit, args=(data.x_train, data.y_train), kwargs={"epochs": 60})
    thread.start()
    counted = 0
    while thread.is_alive():
        model.predict(data.x_test[:4])
        counted += 1
    thread.join()
    assert counted > 3


def test_floats_learn_and_gradients_agree(design, data):
    model = eqhdl.FloatModel(design).fit(data.x_train[:400], data.y_train[:400], epochs=2, test=(data.x_test, data.y_test))
    assert model.score(data.x_test, data.y_test) == model.test_accuracy_[-1] > 0.6
    ep, bptt = (eqhdl.FloatModel(design).gradient(data.x_train[:20], data.y_train[:20], by) for by in ("ep", "bptt"))
    a, b = ep["w2"].ravel(), bptt["w2"].ravel()
    assert ep["w1"].shape == model.weights["w1"].shape and a @ b / np.linalg.norm(a) / np.linalg.norm(b) > 0.8
    with pytest.raises(ValueError, match="by="):
        model.gradient(data.x_train[:1], data.y_train[:1], "guess")
    with pytest.raises(eqhdl.DesignError, match="at least one epoch"):
        model.fit(data.x_train[:1], data.y_train[:1], epochs=0)


def test_hostile_arrays(design, data):
    random = np.random.default_rng(7)
    model = eqhdl.Model(design)
    refused = taken = 0
    for _ in range(int(os.environ.get("HOSTILE", 3000))):
        shape = tuple(random.choice([0, 1, 2, 3, 8, 63, 64], random.integers(0, 4)))
        dtype = random.choice(["u1", "i4", "f2", "f4", ">f4", "f8", ">f8", "c8", "U3", "O", "?", "M8[s]"])
        x = np.zeros(shape, dtype)
        if x.size and x.dtype.kind in "fiu" and random.random() < 0.5:
            x.flat[random.integers(x.size)] = random.choice([np.nan, np.inf, -1, 2, 1e300]) if x.dtype.kind == "f" else 1
        x = x[..., ::-1] if x.ndim and random.random() < 0.3 else x
        x.flags.writeable = random.random() < 0.5
        y = np.full(tuple(random.choice([0, 1, 2, 3, 8], random.integers(0, 3))), random.choice([0, 9, 10, -1, 70_000]))
        y = y.astype(random.choice(["i8", ">i2", "u1", "f4", "U3", "?"]))
        try:
            random.choice([lambda: model.partial_fit(x, y), lambda: model.predict(x)])()
            taken += 1
        except eqhdl.EqhdlError as e:
            refused += 1
            assert len(str(e)) > 20
    assert refused > 1000 and taken > 5, (refused, taken)


def test_number_types_do_not_matter(design):
    random = np.random.default_rng(3)
    x, y = random.integers(0, 2, (12, 64)), random.integers(0, 10, 12)

    def learned(x, y):
        return eqhdl.Model(design).partial_fit(x, y).weights_digest

    expected = learned(x.astype("f8"), y)
    for dtype in ["f2", ">f2", "f4", ">f8", "i1", ">i2", "i8", "u2", ">u4", "u8", "?"]:
        assert learned(x.astype(dtype), y) == expected, dtype
    for labels in [y.astype("f4"), y.astype(">u2"), y.astype("i1").reshape(-1, 1), y[::-1].copy()[::-1]]:
        assert learned(x.astype("f8"), labels) == expected, labels.dtype
    # Bytes are grey levels.
    assert learned(x.astype("u1"), y) != expected


@pytest.mark.parametrize(
    "x, y, words",
    [
        (np.zeros((3, 63)), [0, 1, 2], "a sample has 63 values"),
        (np.full((3, 64), np.nan), [0, 1, 2], "array `x`, sample 0, value 0 is NaN"),
        (np.full((3, 64), 2.0), [0, 1, 2], "values lie in"),
        (np.zeros((3, 64)), [0, 1], r"array `y` has shape \[2\]"),
        (np.zeros((3, 64)), [0, 1, 10], "has label 10"),
        (np.zeros((3, 64)), [0, -1, 1], "has label -1"),
        (np.zeros((3, 64)), [0.0, 1.5, 1.0], r"sample 1.*1\.5"),
        (np.zeros((3, 64)), [0j, 1, 1], "labels are whole numbers"),
        (np.zeros((3, 64)), [[0, 1], [1, 0], [0, 1]], r"has shape \[3, 2\]"),
        (np.zeros((0, 64)), np.zeros(0, int), "holds nothing"),
        (np.zeros((3, 64), complex), [0, 1, 2], "inputs are numbers"),
        ([[1, 2], [3]], [0, 1], "this is no array"),
    ],
)
def test_what_is_wrong_with_arrays_is_said(design, x, y, words):
    with pytest.raises(eqhdl.DataError) as caught:
        eqhdl.Model(design).fit(x, y)
    import re

    # The command line folds its lines.
    assert re.search(words, " ".join(str(caught.value).replace("│", " ").split())), str(caught.value)


def test_importing_takes(capsys):
    program = "import time; t = time.perf_counter(); import numpy; u = time.perf_counter(); import eqhdl; print(u - t, time.perf_counter() - u)"
    numpy_s, own_s = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    loaded = subprocess.run(
        [sys.executable, "-c", "import eqhdl, sys; print(*{m.split('.')[0] for m in sys.modules})"], capture_output=True, text=True
    ).stdout.split()
    assert not {"sklearn", "scipy", "pandas", "torch", "cocotb"} & set(loaded)
    with capsys.disabled():
        print(f"\nimport: numpy {float(numpy_s):.3f} s, eqhdl {float(own_s):.3f} s")
