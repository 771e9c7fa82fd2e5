#!/usr/bin/env python3
"""Runs the tests of the bus: generates each design here with `eqhdl generate --vectors`, builds it with Icarus, and lets
test_axi.py drive it. Called by `make test-axi`, with the Python of .tools/axi.

    tests/axi/run.py --eqhdl target/release/eqhdl             all tests, all designs
    tests/axi/run.py --eqhdl target/release/eqhdl --defects   each known defect planted: is it noticed?

Exit status: 0 all passed (or all defects noticed), 1 otherwise.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree

from cocotb_tools.runner import get_runner

HERE = pathlib.Path(__file__).resolve().parent
DESIGNS = {"bus_cep": 6, "bus_feedback": 6}

# The design that defects are planted in.
DEFECTS_OF = "bus_cep"

# File, text, what takes its place, the tests that must fail.
DEFECTS = [
    ("bus_reset.v", "bus_rst_no = rst_ni && rst_q", "bus_rst_no = rst_q", "resets_of_any_length"),
    ("axi_lite_slave.v", "w_strobe_q <= wstrb_i", "w_strobe_q <= 4'hF", "registers_are_as_described"),
    ("axi_lite_slave.v", "can_write = aw_q && w_q && !b_q", "can_write = aw_q && !b_q", "weights_are_memory"),
    ("axi_lite_slave.v", "can_read = ar_q && !r_q", "can_read = ar_q", "reads_and_writes_at_once"),
    ("axi_lite_slave.v", "if (bready_i) b_q <= 1'b0;", "b_q <= 1'b0;", "weights_are_memory"),
    ("axi_lite_slave.v", "if (rready_i) r_q <= 1'b0;", "r_q <= 1'b0;", "weights_are_memory"),
    ("TOP_registers.v", "response_o = DecErr", "response_o = Okay", "registers_are_as_described"),
    ("TOP_registers.v", "response_o = write_i ? (SlvErr) : Okay", "response_o = Okay", "registers_are_as_described"),
    ("TOP_registers.v", "&& idle_i;", ";", "closed_while_running"),
    ("TOP_registers.v", "32'h45514844", "32'h45514845", "registers_are_as_described"),
    ("TOP_registers.v", "&& data_i[0] && mask[0])) || errors_short_i", ")) || errors_short_i", "interrupts"),
    ("weight_window.v", "must_store = idle && dirty_q &&", "must_store = idle && 1'b0 &&", "weights_are_memory"),
    ("weight_window.v", "(flush_i || (wanted && !hit))", "(wanted && !hit)", "closed_while_running"),
    ("weight_window.v", "if (!open_i && !dirty_q) held_q <= 1'b0;", "", "training_equals_the_reference"),
    ("weight_window.v", "strobe_i[0] ? data_i[7:0] : old[7:0]", "data_i[7:0]", "weights_are_memory"),
    ("weight_window.v", "strobe_i[1] ? data_i[15:8] : old[15:8]", "data_i[15:8]", "weights_are_memory"),
    ("weight_window.v", "wanted = pending && open_i", "wanted = pending", "closed_while_running"),
    ("stream_samples.v", "drop_q <= is_short || is_long;", "drop_q <= is_short;", "bad_packets_are_dropped"),
    ("stream_samples.v", "is_short = (tlast_i && !final_beat) || !whole", "is_short = !whole", "bad_packets_are_dropped"),
    ("stream_samples.v", "(tlast_i && !final_beat) || !whole", "(tlast_i && !final_beat)", "bad_packets_are_dropped"),
    ("stream_samples.v", "({1'b0, header_label} < Classes[16:0]) &&", "", "bad_packets_are_dropped"),
    ("stream_samples.v", "&& ({1'b0, tdata_i[29:27]} < RateSets[3:0])", "", "bad_packets_are_dropped"),
    ("stream_samples.v", "rates_q <= tdata_i[29:27]", "rates_q <= 3'd0", "training_equals_the_reference"),
    ("stream_samples.v", "default: if (tlast_i) state_q", "default: state_q", "bad_packets_are_dropped"),
    ("sample_buffer.v", "if (!drop_i) begin", "if (1'b1) begin", "bad_packets_are_dropped"),
    ("stream_samples.v", "      state_q <= StHeader;\n      held_q", "      held_q", "reset_in_the_middle"),
    ("sample_buffer.v", "      full_q <= 2'b00;\n      position_q <= {CountWidth{1'b0}};", "      full_q <= 2'b00;",
     "reset_in_the_middle"),
    ("stream_results.v", "if (accept_o) words_q", "if (valid_i) words_q", "back_pressure_loses_nothing"),
    ("stream_results.v", "else if (tready_i) words_q", "else words_q", "training_equals_the_reference"),
    ("TOP_axi.v", "dropped_q <= dropped_q + 32'd1", "dropped_q <= dropped_q", "bad_packets_are_dropped"),
    ("TOP_axi.v", "(event_result && interrupt_result) ||", "event_result ||", "interrupts"),
    ("TOP_axi.v", "accept && result_train && right", "accept && right", "training_equals_the_reference"),
    ("rail_counter.v", "weight == weight_least_i ||", "", "training_equals_the_reference"),
    ("rail_counter.v", "state_i == state_greatest_i", "state_i >= state_greatest_i - 1", "training_equals_the_reference"),
    ("signature.v", "signature_o[30:0], signature_o[31]", "signature_o[31:0]", "training_equals_the_reference"),
    ("TOP.v", "sample_number_q + 32'd1", "sample_number_q + 32'd2", "training_equals_the_reference"),
    ("TOP.v", "{rates, layer2}", "{sample_rates_i, layer2}", "training_equals_the_reference"),
    ("phase_program.v", "? free_steps_i : nudged_steps_i", "? free_steps_i : free_steps_i", "training_equals_the_reference"),
    ("TOP_axi.v", ".free_steps_i(free_steps)", ".free_steps_i(16'd5)", "training_equals_the_reference"),
]


def generate(eqhdl, design, samples, folder):
    command = [eqhdl, "generate", HERE / f"{design}.toml", "-o", folder, "--vectors", str(samples)]
    command += ["--steps", "7,4"]  # not those of the designs: the register STEPS decides
    subprocess.run(command, check=True, capture_output=True)


def place(design, file):
    """Name of a defect's file in the generated folder."""
    return file.replace("TOP", f"eqhdl_{design}") if file.startswith("TOP") else f"eqhdl_{design}__{file}"


def texts_are_there(design, folder):
    """True when the text of every defect is in the file that it names."""
    missing = [(file, text) for file, text, _, _ in DEFECTS if text not in (folder / place(design, file)).read_text()]
    for file, text in missing:
        print(f"  {place(design, file)}: the text of a defect is not there: {text}")
    return not missing


def simulate(design, folder, test=None, quiet=False):
    """True when all (or the named) tests passed, and there was one."""
    top = f"eqhdl_{design}_axi"
    sources = [folder / name for name in (folder / f"{top}.f").read_text().split()]
    runner = get_runner("icarus")
    log = folder / "test.log" if quiet else None
    build = folder / "sim"
    runner.build(
        sources=sources,
        hdl_toplevel=top,
        includes=[folder],
        build_dir=build,
        build_args=["-g2005", "-Wall"],
        timescale=("1ns", "1ps"),
        always=True,
        log_file=log,
    )
    for table in folder.glob("*.hex"):
        shutil.copy(table, build)
    results = runner.test(
        test_module="test_axi",
        hdl_toplevel=top,
        build_dir=build,
        test_dir=build,
        testcase=test,
        extra_env={
            "EQHDL_VECTORS": str(folder / f"eqhdl_{design}__vectors.json"),
            "PYTHONPATH": str(HERE),
            "PYTHONWARNINGS": "ignore",  # cocotbext-axi speaks an older dialect of cocotb
            "COCOTB_LOG_LEVEL": "ERROR" if quiet else "WARNING",
        },
        log_file=log,
    )
    cases = xml.etree.ElementTree.parse(results).getroot().iter("testcase")
    outcomes = [case.find("failure") is None and case.find("error") is None for case in cases]
    return bool(outcomes) and all(outcomes), len(outcomes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--eqhdl", type=pathlib.Path, required=True, help="the program")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/axi"), help="folder to work in")
    parser.add_argument("--test", help="only this test")
    parser.add_argument(
        "--defects", nargs="?", const="", metavar="TEXT", help="plant each known defect (that has TEXT in it) instead"
    )
    args = parser.parse_args()
    out = args.out.resolve()
    failed = []
    if args.defects is None:
        for design, samples in DESIGNS.items():
            generate(args.eqhdl, design, samples, out / design)
            passed, count = simulate(design, out / design, args.test)
            print(f"{design}: {count} tests {'passed' if passed else 'FAILED'}", flush=True)
            if not passed or (design == DEFECTS_OF and not texts_are_there(design, out / design)):
                failed.append(design)
        return 1 if failed else 0
    design = DEFECTS_OF
    clean, tried = out / "clean", 0
    generate(args.eqhdl, design, DESIGNS[design], clean)
    if not texts_are_there(design, clean):
        return 1
    for number, (file, text, other, test) in enumerate(DEFECTS):
        if args.defects not in file + text:
            continue
        tried += 1
        name = place(design, file)
        folder = out / f"defect{number}"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(clean, folder, ignore=shutil.ignore_patterns("sim"))
        source = (folder / name).read_text()
        (folder / name).write_text(source.replace(text, other))
        try:
            passed, _ = simulate(design, folder, test, quiet=True)
        except (Exception, SystemExit):  # a simulator that gives up has noticed as well
            passed = False
        print(f"  {'MISSED' if passed else 'noticed'}  {name}: {text.strip()[:60]!r} by {test}", flush=True)
        if passed:
            failed.append(number)
    print(f"{tried - len(failed)} of {tried} defects noticed")
    return 1 if failed or not tried else 0


if __name__ == "__main__":
    sys.exit(main())
