"""The generated bus under masters that eqhdl did not write (cocotbext-axi), with random stalls on every channel.

What must come out is in eqhdl_NAME__vectors.json, written by `eqhdl generate --vectors`: the reference's numbers. Run by
tests/axi/run.py.
"""

import json
import os
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, ReadOnly, RisingEdge
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiResp,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)

with open(os.environ["EQHDL_VECTORS"], encoding="ascii") as file:
    VECTORS = json.load(file)
# The label of a sample that is only classified is compared and counted, nothing else: let some of them be right.
for _sample, _result in list(zip(VECTORS["samples"], VECTORS["results"]))[::2]:
    if not _sample["train"]:
        _sample["label"] = _result["label"] = _result["prediction"]
REG = VECTORS["registers"]
WINDOW = VECTORS["window"]
SLOT = max(8, 1 << (VECTORS["input_width"] - 1).bit_length())
OPEN, ERRORS = 1 << 1, {"short": 1, "long": 2, "label": 4, "refused": 8}


def packet(sample):
    """A sample as the stream carries it, in bytes; what is behind its last input is random padding."""
    marks = sample["train"] << 31 | sample["ends_batch"] << 30 | sample["rates"] << 27
    data = bytearray((sample["label"] | marks).to_bytes(4, "little"))
    mask = (1 << VECTORS["input_width"]) - 1
    for value in sample["inputs"]:
        # Bits above an input are not looked at.
        noise = random.getrandbits(32) & ~mask & ((1 << SLOT) - 1)
        data += ((value & mask) | noise).to_bytes(SLOT // 8, "little")
    return data + random.randbytes(-len(data) % 4)


def words(data):
    return [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]


def signed(words_):
    return [w - (1 << 32) if w >> 31 else w for w in words_]


class Bench:
    """One set of masters for a test: two of them would fight over the same wires."""

    def __init__(self, dut):
        self.dut = dut
        cocotb.start_soon(Clock(dut.clk_i, 10, "ns").start())
        dut.rst_ni.value = 0
        args = {"reset_active_level": False}
        self.axi = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.clk_i, dut.rst_ni, **args)
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.clk_i, dut.rst_ni, **args)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.clk_i, dut.rst_ni, **args)
        self.source.log.setLevel("ERROR")  # a reset that flushes a frame is meant
        cocotb.start_soon(self.watch_protocol())

    def stall(self, share):
        """Every channel pauses at random for this share of the time."""
        for channel in (
            self.axi.write_if.aw_channel,
            self.axi.write_if.w_channel,
            self.axi.write_if.b_channel,
            self.axi.read_if.ar_channel,
            self.axi.read_if.r_channel,
            self.source,
            self.sink,
        ):
            channel.clear_pause_generator()
            channel.pause = False
            if share:
                channel.set_pause_generator(self.pauses(random.randrange(1 << 30), share))

    @staticmethod
    def pauses(seed, share):
        own = random.Random(seed)
        while True:
            # Sometimes long, mostly short.
            pause = own.random() < share
            for _ in range(own.choice((1, 1, 2, 3, 20))):
                yield pause

    async def watch_protocol(self):
        """What is offered stays until it is taken; no valid in reset; nothing unknown behind a valid."""
        dut = self.dut
        channels = {
            "b": (dut.s_axi_bvalid, dut.s_axi_bready, [dut.s_axi_bresp]),
            "r": (dut.s_axi_rvalid, dut.s_axi_rready, [dut.s_axi_rdata, dut.s_axi_rresp]),
            "m": (dut.m_axis_tvalid, dut.m_axis_tready, [dut.m_axis_tdata, dut.m_axis_tlast, dut.m_axis_tkeep]),
        }
        before = {}
        readies = [dut.s_axi_awready, dut.s_axi_wready, dut.s_axi_arready, dut.s_axis_tready]
        in_reset = 0
        while True:
            # What the edge sees: a reset that changes with it counts at the next one.
            await FallingEdge(dut.clk_i)
            await ReadOnly()
            low = dut.rst_ni.value == 0
            await RisingEdge(dut.clk_i)
            await ReadOnly()
            # What an edge at which the reset is low leaves, and 16 more.
            in_reset = 17 if low else max(0, in_reset - 1)
            if in_reset:
                assert dut.irq_o.value == 0, "interrupt in reset"
                for ready in readies:
                    assert ready.value == 0, f"{ready._name} in reset"
            for name, (valid, ready, payload) in channels.items():
                if in_reset:
                    before.pop(name, None)
                    assert valid.value == 0, f"{name} is valid in reset"
                    continue
                if valid.value == 0:
                    assert name not in before, f"{name} was taken back"
                    continue
                values = [str(p.value) for p in payload]
                assert all(set(v) <= set("01") for v in values), f"{name}: unknown bits {values}"
                assert before.pop(name, values) == values, f"{name} changed before it was taken"
                # Seen behind one edge; taken at the next one if ready.
                if ready.value == 0:
                    before[name] = values

    async def reset(self):
        self.dut.rst_ni.value = 0
        await ClockCycles(self.dut.clk_i, 2)
        self.source.clear()
        self.sink.clear()
        await ClockCycles(self.dut.clk_i, 2)
        self.dut.rst_ni.value = 1
        await ClockCycles(self.dut.clk_i, 2)

    async def read(self, address, length=4, response=AxiResp.OKAY):
        result = await self.axi.read(address, length)
        assert result.resp == response, f"read of {address:#x}: {result.resp}, not {response}"
        return int.from_bytes(result.data, "little")

    async def write(self, address, value, length=4, response=AxiResp.OKAY):
        result = await self.axi.write(address, (value & ((1 << 8 * length) - 1)).to_bytes(length, "little"))
        assert result.resp == response, f"write of {address:#x}: {result.resp}, not {response}"

    async def get(self, name):
        return await self.read(REG[name])

    async def put(self, name, value, response=AxiResp.OKAY):
        await self.write(REG[name], value, response=response)

    async def load(self, weights):
        data = b"".join((w & 0xFFFFFFFF).to_bytes(4, "little") for w in weights)
        result = await self.axi.write(WINDOW, data)
        assert result.resp == AxiResp.OKAY

    async def unload(self, first=0, count=None):
        count = len(VECTORS["weights_before"]) if count is None else count
        result = await self.axi.read(WINDOW + 4 * first, 4 * count)
        assert result.resp == AxiResp.OKAY
        return signed(words(result.data))

    async def open(self):
        await self.put("CONTROL", 0)
        while not await self.get("STATUS") & OPEN:
            pass

    async def prepare(self, load=True):
        """From whatever has happened to the beginning of the vectors."""
        await self.open()
        await self.put("ERRORS", 0xF)
        await self.put("EVENTS", 1)
        await self.put("CONTROL", 2)
        await self.put("SEED", VECTORS["seed"])
        await self.put("STEPS", VECTORS["steps"])
        await self.put("SAMPLE_NUMBER", VECTORS["first_number"])
        if load:
            await self.load(VECTORS["weights_before"])

    async def send(self, data, keep=None):
        await self.source.send(AxiStreamFrame(tdata=bytes(data), tkeep=keep))

    async def results(self, expected):
        """Takes the packets of these results, word by word."""
        for e in expected:
            frame = await self.sink.recv()
            first = e["prediction"] | e["label"] << 16 | e["train"] << 31
            assert words(bytes(frame.tdata)) == [first, e["number"], e["signature"], e["cycles"]], (
                f"sample {e['number']}: {[hex(w) for w in words(bytes(frame.tdata))]}, not {e}"
            )

    async def check_end(self):
        """Counters, last result and weights after the last sample."""
        await self.open()
        results, last = VECTORS["results"], VECTORS["results"][-1]
        expected = {
            "RESULT": last["prediction"] | last["label"] << 16 | last["train"] << 31,
            "RESULT_NUMBER": last["number"],
            "SIGNATURE": last["signature"],
            "CYCLES": last["cycles"],
            "READS": last["reads"],
            "SAMPLE_NUMBER": last["number"] + 1,
            "TRAINED": sum(r["train"] for r in results),
            "TRAINED_RIGHT": sum(r["train"] and r["prediction"] == r["label"] for r in results),
            "INFERRED": sum(not r["train"] for r in results),
            "INFERRED_RIGHT": sum(not r["train"] and r["prediction"] == r["label"] for r in results),
            "STATES_AT_LEAST": VECTORS["rails"]["states_at_least"],
            "STATES_AT_GREATEST": VECTORS["rails"]["states_at_greatest"],
            "WEIGHTS_AT_RAIL": VECTORS["rails"]["weights_at_rail"],
        }
        for name, value in expected.items():
            found = await self.get(name)
            assert found == value, f"{name}: {found}, not {value}"
        # A counter that never moved would prove nothing.
        for name in ("TRAINED", "INFERRED", "INFERRED_RIGHT", "STATES_AT_LEAST", "STATES_AT_GREATEST", "WEIGHTS_AT_RAIL"):
            assert expected[name] > 0, f"the vectors leave {name} at zero"
        # First the word that was last in use before the core started.
        after = VECTORS["weights_after"]
        for at in range(len(after) - 1, len(after) - 9, -1):
            found = await self.unload(at, 1)
            assert found == [after[at]], f"weight {at}: {found}, not {after[at]}"
        weights = await self.unload()
        differing = [i for i, (a, b) in enumerate(zip(weights, VECTORS["weights_after"])) if a != b]
        assert not differing, f"{len(differing)} weights differ, the first at {differing[0]}"
        assert VECTORS["weights_after"] != VECTORS["weights_before"]


async def start(dut, seed, share=0.3):
    random.seed(seed)
    bench = Bench(dut)
    bench.stall(share)
    await bench.reset()
    return bench


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def registers_are_as_described(dut):
    """Identity, values after reset, byte strobes, and every kind of illegal address."""
    bench = await start(dut, 1)
    for name, value in VECTORS["resets"].items():
        found = await bench.get(name)
        assert found == value, f"{name}: {found:#x} after reset, not {value:#x}"
    for name in VECTORS["read_only"]:
        value = await bench.get(name)
        await bench.put(name, ~value, AxiResp.SLVERR)
        assert await bench.get(name) == value, f"{name} changed"
    assert await bench.get("ERRORS") == ERRORS["refused"]
    await bench.put("ERRORS", 0)
    assert await bench.get("ERRORS") == ERRORS["refused"], "writing 0 clears nothing"
    await bench.put("ERRORS", ERRORS["refused"])
    assert await bench.get("ERRORS") == 0
    # Single bytes.
    await bench.put("SEED", 0x11223344)
    for byte, expected in ((2, 0x11AA3344), (0, 0x11AA33AA), (3, 0xAAAA33AA), (1, 0xAAAAAAAA)):
        await bench.write(REG["SEED"] + byte, 0xAA, 1)
        assert await bench.get("SEED") == expected
    await bench.put("SAMPLE_NUMBER", 0x01020304)
    await bench.write(REG["SAMPLE_NUMBER"] + 1, 0xBEEF, 2)
    assert await bench.get("SAMPLE_NUMBER") == 0x01BEEF04
    # A byte that holds no bit of a field that is written leaves it alone.
    await bench.write(REG["INTERRUPT"], 3)
    await bench.write(REG["INTERRUPT"] + 1, 0, 1)
    assert await bench.get("INTERRUPT") == 3
    # Holes.
    used = set(REG.values())
    holes = [a for a in range(0, max(used) + 64, 4) if a not in used] + [WINDOW // 2, WINDOW - 4]
    outside = WINDOW + 4 * len(VECTORS["weights_before"])
    size = 1 << len(dut.s_axi_awaddr)
    holes += [a for a in (outside, outside + 64, size - 4) if outside <= a < size]
    for address in holes:
        assert await bench.read(address, response=AxiResp.DECERR) == 0
        await bench.write(address, 0xFFFFFFFF, response=AxiResp.DECERR)
    assert await bench.get("ERRORS") == 0, "a missing address is no refusal"


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def weights_are_memory(dut):
    """The window behaves as memory of words with byte strobes, in any order."""
    bench = await start(dut, 2)
    await bench.load(VECTORS["weights_before"])
    model = list(VECTORS["weights_before"])
    top = max(max(VECTORS["weights_before"]), -min(VECTORS["weights_before"]))
    for _ in range(150):
        at = random.randrange(len(model)) if random.random() < 0.6 else random.randrange(3)
        kind = random.random()
        if kind < 0.45:
            assert await bench.unload(at, 1) == [model[at]], f"weight {at}"
        elif kind < 0.9:
            model[at] = random.randint(-top, top)
            await bench.write(WINDOW + 4 * at, model[at])
        else:
            # One byte; bits above a stored weight are its sign.
            byte, value = random.randrange(2), random.getrandbits(8)
            await bench.write(WINDOW + 4 * at + byte, value, 1)
            stored = VECTORS["resets"]["WEIGHT_WIDTH"]
            bits = (model[at] & ~(0xFF << 8 * byte) | value << 8 * byte) & ((1 << stored) - 1)
            model[at] = bits - ((bits >> (stored - 1)) << stored)
    assert await bench.unload() == model


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def reads_and_writes_at_once(dut):
    """Neither direction starves or disturbs the other."""
    bench = await start(dut, 3)
    model = list(VECTORS["weights_before"])

    async def writer():
        await bench.load(model)
        for value in range(60):
            await bench.put("INTERRUPT", value & 3)

    task = cocotb.start_soon(writer())
    for _ in range(60):
        assert await bench.get("ID") == VECTORS["resets"]["ID"]
    await task
    assert await bench.unload() == model


async def train(bench):
    for sample in VECTORS["samples"]:
        await bench.send(packet(sample))


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def training_equals_the_reference(dut):
    """Every sample over the bus, every result word, counter and weight against the reference; at three speeds."""
    bench = await start(dut, 4, 0)
    for share in (0, 0.3, 0.6):
        bench.stall(share)
        await bench.prepare()
        await bench.put("CONTROL", 1)
        await train(bench)
        await bench.results(VECTORS["results"])
        assert await bench.get("ERRORS") == 0
        assert await bench.get("DROPPED") == 0
        await bench.check_end()


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def closed_while_running(dut):
    """Weights, seed, steps and sample number are refused while samples may start; nothing of it changes the training."""
    bench = await start(dut, 7, 0.1)
    await bench.prepare()
    # The last weight is written and still on its way to memory when the core is enabled.
    last = len(VECTORS["weights_before"]) - 2
    await bench.write(WINDOW + 4 * last, VECTORS["weights_before"][last] ^ 1)
    await bench.write(WINDOW + 4 * last, VECTORS["weights_before"][last])
    await bench.put("CONTROL", 1)
    await train(bench)
    for _ in range(20):
        address = WINDOW + 4 * random.randrange(len(VECTORS["weights_before"]))
        assert await bench.read(address, response=AxiResp.SLVERR) == 0
        await bench.write(address, 0x55, response=AxiResp.SLVERR)
        await bench.put("SEED", 0, AxiResp.SLVERR)
        await bench.put("STEPS", 0x10001, AxiResp.SLVERR)
        await bench.put("SAMPLE_NUMBER", 0, AxiResp.SLVERR)
    assert await bench.get("ERRORS") == ERRORS["refused"]
    await bench.results(VECTORS["results"])
    await bench.check_end()


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def bad_packets_are_dropped(dut):
    """Packets of every wrong length, label and byte pattern between good ones: counted, told, and without effect."""
    bench = await start(dut, 8, 0.2)
    await bench.prepare()
    await bench.put("CONTROL", 1)
    expected_errors, dropped = 0, 0
    good = len(packet(VECTORS["samples"][0]))
    bad = [
        ("short", 4, {}),
        ("short", 8, {}),
        ("short", good - 4, {}),
        ("short", good // 8 * 4, {}),
        ("long", good + 4, {}),
        ("long", 3 * good, {}),
        ("label", good, {"label": VECTORS["classes"]}),
        ("label", good, {"label": 0xFFFF}),
        ("label", good + 8, {"label": VECTORS["classes"]}),
        ("label", good, {"rates": VECTORS["rate_sets"]}),
        ("short", good, {"hole": True}),
    ]
    samples = VECTORS["samples"]
    for i, sample in enumerate(samples):
        for kind, length, more in bad[i :: len(samples)] + [bad[i % len(bad)]]:
            data = packet({**random.choice(samples), **{k: v for k, v in more.items() if k in ("label", "rates")}})
            data = (data + random.randbytes(length))[:length]
            keep = [1] * length
            if more.get("hole"):
                keep[4 + random.randrange((len(sample["inputs"]) - 1) * SLOT // 8)] = 0
            await bench.send(data, keep)
            expected_errors |= ERRORS[kind]
            dropped += 1
        await bench.send(packet(sample))
    await bench.results(VECTORS["results"])
    assert await bench.get("ERRORS") == expected_errors
    assert await bench.get("DROPPED") == dropped
    await bench.check_end()


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def reset_in_the_middle(dut):
    """A reset anywhere in a sample; the rest of its packet arrives afterwards, and the training then starts anew."""
    bench = await start(dut, 9, 0)
    for cycles in (3, 40, 700):
        await bench.prepare(load=False)
        await bench.put("CONTROL", 1)
        await train(bench)
        await ClockCycles(dut.clk_i, cycles)
        await bench.reset()
        # What was left of a packet: shorter than any packet, so it cannot be taken for one.
        rest = packet(VECTORS["samples"][0])
        await bench.send(rest[4 * random.randrange(1, len(rest) // 4) :])
        await bench.source.wait()
        await ClockCycles(dut.clk_i, 20)
        assert await bench.get("ERRORS") & (ERRORS["short"] | ERRORS["label"])
        assert await bench.get("TRAINED") == 0
        assert bench.sink.empty()
        await bench.prepare()
        await bench.put("CONTROL", 1)
        await train(bench)
        await bench.results(VECTORS["results"])
        await bench.check_end()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def resets_of_any_length(dut):
    """One cycle or more, at any moment, with traffic on every channel: watch_protocol sees that nothing is valid or ready
    from the first edge on; nothing stale comes out, and in the end the training is the reference's."""
    bench = await start(dut, 10, 0.3)
    await bench.prepare()
    await bench.put("INTERRUPT", 3)
    await bench.put("CONTROL", 1)

    async def reads():
        while True:
            await bench.axi.read(REG["ID"], 4)
            await bench.axi.write(REG["CONTROL"], (1).to_bytes(4, "little"))

    cycles = VECTORS["results"][0]["cycles"]
    for turn in range(24):
        task = cocotb.start_soon(reads())
        sender = cocotb.start_soon(train(bench))
        await ClockCycles(dut.clk_i, random.randrange(1, 2 * cycles))
        task.cancel()
        sender.cancel()
        await FallingEdge(dut.clk_i)
        dut.rst_ni.value = 0
        for _ in range(1 + turn % 4):
            await FallingEdge(dut.clk_i)
        bench.source.clear()
        bench.sink.clear()
        dut.rst_ni.value = 1
        await ClockCycles(dut.clk_i, 40)
        assert bench.sink.empty(), f"turn {turn}: a result from before the reset"
        assert await bench.get("TRAINED") == 0
    bench.stall(0)
    await bench.reset()
    await bench.prepare()
    await bench.put("CONTROL", 1)
    await train(bench)
    await bench.results(VECTORS["results"])
    await bench.check_end()


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def interrupts(dut):
    """The line follows what is enabled and pending, and nothing else."""
    bench = await start(dut, 13, 0)
    await bench.prepare()
    await bench.put("CONTROL", 1)
    await bench.send(packet(VECTORS["samples"][0]))
    await bench.results(VECTORS["results"][:1])
    assert dut.irq_o.value == 0 and await bench.get("EVENTS") == 1
    await bench.put("INTERRUPT", 1)
    assert dut.irq_o.value == 1
    await bench.put("EVENTS", 1)
    assert dut.irq_o.value == 0 and await bench.get("EVENTS") == 0
    await bench.send(b"\0" * 8)
    await bench.source.wait()
    await ClockCycles(dut.clk_i, 10)
    assert dut.irq_o.value == 0
    await bench.put("INTERRUPT", 2)
    assert dut.irq_o.value == 1
    await bench.put("ERRORS", ERRORS["long"])
    assert dut.irq_o.value == 1
    await bench.put("ERRORS", ERRORS["short"])
    assert dut.irq_o.value == 0


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def back_pressure_loses_nothing(dut):
    """Results that nobody takes stop the core, not the bus; afterwards all of them are there."""
    bench = await start(dut, 14, 0)
    await bench.prepare()
    bench.sink.pause = True
    await bench.put("CONTROL", 1)
    await train(bench)
    await ClockCycles(dut.clk_i, 4 * VECTORS["results"][0]["cycles"])
    # One result is on its way out, the next one waits in the core.
    assert await bench.get("TRAINED") == 1 and await bench.get("STATUS") & 1
    bench.sink.pause = False
    await bench.results(VECTORS["results"])
    await bench.check_end()
