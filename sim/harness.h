// SPDX-License-Identifier: Apache-2.0
// What the harnesses share: options, files, the clock, and the waveform of the commit port. Everything that depends on
// the design comes from Verilog and from macros:
//
//   EQHDL_INPUTS, EQHDL_LANES, EQHDL_WORDS, EQHDL_STORED_WIDTH   shapes
//   EQHDL_TRACE                                                  built with --trace
//
// A waveform is dumped only in cycles in which something of the asked level is committed, so it costs nothing in
// between and holds nothing but commits. Messages go to standard error.

#ifndef EQHDL_HARNESS_H
#define EQHDL_HARNESS_H

#include "Vsim_top.h"
#include "verilated.h"
#ifdef EQHDL_TRACE
#include "verilated_vcd_c.h"
#endif

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

// Exit code: no result came in time.
constexpr int Hangs = 5;
// Words of a result: prediction, label, cycles, cycles that read weights, train flag, sample number; cycles by which it
// was late, cycles in which ready and busy were wrong since the one before (with the last: and after it); the cycle it came
// in, the lower half first.
constexpr size_t ResultWords = 11;

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "harness: %s\n", what.c_str());
    std::exit(3);
}

template <typename T>
std::vector<T> read_file(const std::string& path) {
    FILE* f = std::fopen(path.c_str(), "rb");
    if (!f) fail("cannot open " + path + ": " + std::strerror(errno));
    std::fseek(f, 0, SEEK_END);
    const long size = std::ftell(f);
    std::rewind(f);
    std::vector<T> data(static_cast<size_t>(size) / sizeof(T));
    if (std::fread(data.data(), sizeof(T), data.size(), f) != data.size()) fail("cannot read " + path);
    std::fclose(f);
    return data;
}

void write_file(const std::string& path, const void* data, size_t bytes) {
    FILE* f = std::fopen(path.c_str(), "wb");
    if (!f || std::fwrite(data, 1, bytes, f) != bytes || std::fclose(f) != 0) fail("cannot write " + path);
}

#ifdef EQHDL_TRACE
// Blocking writes to a descriptor, in large pieces: the simulator's own file class opens non-blocking and spins on a
// full pipe, and a reader that is woken for every few kilobytes costs more than what it reads.
class Descriptor final : public VerilatedVcdFile {
    static constexpr size_t Piece = 256 << 10;
    int m_fd;
    std::vector<char> m_piece;

    void flush() {
        size_t done = 0;
        while (done < m_piece.size()) {
            const ssize_t n = ::write(m_fd, m_piece.data() + done, m_piece.size() - done);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) std::_Exit(4);  // the comparator has seen enough
            done += static_cast<size_t>(n);
        }
        m_piece.clear();
    }

public:
    explicit Descriptor(int fd) : m_fd(fd) { m_piece.reserve(2 * Piece); }
    bool open(const std::string&) override { return true; }
    void close() override { flush(); }
    ssize_t write(const char* data, ssize_t bytes) override {
        m_piece.insert(m_piece.end(), data, data + bytes);
        if (m_piece.size() >= Piece) flush();
        return bytes;
    }
};
#endif

struct Options {
    std::string samples, plan, weights_in, weights_out, results, bus, level = "none", vcd;
    uint32_t seed = 0, first_sample = 0;
    uint32_t free_steps = 0, nudged_steps = 0;
    uint64_t window_from = 0, window_to = ~uint64_t{0}, patience = 0;
};

Options parse(int argc, char** argv) {
    Options o;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string key = argv[i], value = argv[i + 1];
        if (key == "--samples") o.samples = value;
        else if (key == "--plan") o.plan = value;
        else if (key == "--weights-in") o.weights_in = value;
        else if (key == "--weights-out") o.weights_out = value;
        else if (key == "--results") o.results = value;
        else if (key == "--bus") o.bus = value;
        else if (key == "--level") o.level = value;
        else if (key == "--vcd") o.vcd = value;
        else if (key == "--seed") o.seed = static_cast<uint32_t>(std::stoul(value));
        else if (key == "--first-sample") o.first_sample = static_cast<uint32_t>(std::stoul(value));
        else if (key == "--free-steps") o.free_steps = static_cast<uint32_t>(std::stoul(value));
        else if (key == "--nudged-steps") o.nudged_steps = static_cast<uint32_t>(std::stoul(value));
        else if (key == "--window-from") o.window_from = std::stoull(value);
        else if (key == "--window-to") o.window_to = std::stoull(value);
        else if (key == "--patience") o.patience = std::stoull(value);
        else fail("unknown option " + key);
    }
    return o;
}

class Bench {
protected:
    VerilatedContext m_context;
    Vsim_top m_top{&m_context};
    uint64_t m_cycle = 0;
    int m_level = 0;
    bool m_watched = true;
    Options m_options;
#ifdef EQHDL_TRACE
    Descriptor m_file{STDOUT_FILENO};
    VerilatedVcdC* m_trace = nullptr;
#endif

public:
    explicit Bench(const Options& o) : m_options(o) {
        const char* levels[] = {"none", "signature", "states", "events", "all", "full"};
        for (int i = 0; i < 6; ++i)
            if (o.level == levels[i]) m_level = i;
        // What a level does not compare does not change in its waveform, and so costs nothing there.
        m_top.watch_i = m_level >= 4 ? 7 : m_level == 3 ? 3 : m_level == 2 ? 1 : 0;
#ifdef EQHDL_TRACE
        if (m_level > 0) {
            m_context.traceEverOn(true);
            m_trace = o.vcd.empty() ? new VerilatedVcdC{&m_file} : new VerilatedVcdC;
            m_top.trace(m_trace, 99);
            m_trace->open(o.vcd.empty() ? "-" : o.vcd.c_str());
            (void)fcntl(STDOUT_FILENO, F_SETPIPE_SZ, 1 << 20);
        }
#else
        if (m_level > 0) fail("built without tracing");
#endif
    }

    ~Bench() {
#ifdef EQHDL_TRACE
        if (m_trace) m_trace->close();
        delete m_trace;
#endif
    }

    Vsim_top& top() { return m_top; }
    uint64_t cycle() const { return m_cycle; }
    // Whether what is committed goes into the waveform.
    void watched(bool on) { m_watched = on; }

    // The waveform's header and first values: hardware that never commits anything leaves a waveform, too.
    void show() {
#ifdef EQHDL_TRACE
        if (m_level > 0 && m_level < 5) m_trace->dump(m_cycle);
#endif
    }

    inline void clock() {
        m_top.clk_i = 0;
        m_top.eval();
        m_top.clk_i = 1;
        m_top.eval();
        ++m_cycle;
#ifdef EQHDL_TRACE
        if (m_level > 0 && (m_watched || m_level == 5)) {
            bool dump = m_top.step_valid_o | m_top.result_valid_o;
            if (m_level >= 2) dump |= m_top.gathered_o;
            if (m_level >= 4) dump |= m_top.neuron_valid_o;
            if (m_level == 5) dump = m_cycle >= m_options.window_from && m_cycle <= m_options.window_to;
            if (dump) m_trace->dump(m_cycle);
        }
#endif
    }
};

// Samples and plan. Sample k: label, then the inputs. Plan, three words a sample: which one; bit 31 set for training, bit
// 30 where a batch ends, bits 29 to 27 the set of learning rates. Then the cycles that it takes, the lower half first.
struct Work {
    const std::vector<int32_t> samples;
    const std::vector<uint32_t> plan;
    const size_t count;

    explicit Work(const Options& o)
        : samples(read_file<int32_t>(o.samples)), plan(read_file<uint32_t>(o.plan)), count(plan.size() / 3) {}

    uint32_t entry(size_t k) const { return plan[3 * k]; }
    const int32_t* sample(size_t k) const { return &samples[(entry(k) & 0x7ffffffu) * (size_t{EQHDL_INPUTS} + 1)]; }
    // The cycles of a sample are known; at worst it is sent before them, not beside the one before.
    uint64_t limit(size_t k, const Options& o) const {
        return (uint64_t{plan[3 * k + 2]} << 32 | plan[3 * k + 1]) + EQHDL_INPUTS + o.patience;
    }
};

}  // namespace

#endif
