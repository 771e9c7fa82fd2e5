// Simulation harness of a generated core: feeds samples, streams the commit port's waveform to standard output, keeps
// results and final weights. Everything that depends on the design comes from Verilog (sim_top) and from macros:
//
//   EQHDL_INPUTS, EQHDL_LANES, EQHDL_WORDS, EQHDL_STORED_WIDTH   shapes
//   EQHDL_TRACE                                                  built with --trace
//
// A waveform is dumped only in cycles in which something of the asked level is committed, so it costs nothing in
// between and holds nothing but commits. Messages go to standard error.

#include "Vsim_top.h"
#include "verilated.h"
#ifdef EQHDL_TRACE
#include "verilated_vcd_c.h"
#endif

#include <fcntl.h>
#include <unistd.h>

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
    std::string samples, plan, weights_in, weights_out, results, level = "none", vcd;
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
    VerilatedContext m_context;
    Vsim_top m_top{&m_context};
    uint64_t m_cycle = 0;
    int m_level = 0;
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
        if (m_level > 0) {
            bool dump = m_top.step_valid_o | m_top.result_valid_o;
            if (m_level >= 3) dump |= m_top.weight_valid_o;
            if (m_level >= 4) dump |= m_top.neuron_valid_o;
            if (m_level == 5) dump = m_cycle >= m_options.window_from && m_cycle <= m_options.window_to;
            if (dump) m_trace->dump(m_cycle);
        }
#endif
    }

    void load(const std::vector<int32_t>& weights) {
        if (weights.size() != size_t{EQHDL_WORDS} * EQHDL_LANES) fail("the initial weights have the wrong size");
        m_top.host_rewind_i = 1;
        clock();
        m_top.host_rewind_i = 0;
        for (size_t word = 0; word < EQHDL_WORDS; ++word) {
            m_top.host_shift_i = 1;
            for (size_t lane = 0; lane < EQHDL_LANES; ++lane) {
                m_top.host_data_i = static_cast<uint32_t>(weights[word * EQHDL_LANES + lane]);
                clock();
            }
            m_top.host_shift_i = 0;
            m_top.host_store_i = 1;
            clock();
            m_top.host_store_i = 0;
        }
    }

    std::vector<int32_t> unload() {
        std::vector<int32_t> weights;
        m_top.host_rewind_i = 1;
        clock();
        m_top.host_rewind_i = 0;
        for (size_t word = 0; word < EQHDL_WORDS; ++word) {
            m_top.host_fetch_i = 1;
            clock();
            m_top.host_fetch_i = 0;
            clock();
            clock();
            clock();
            m_top.host_shift_i = 1;
            for (size_t lane = 0; lane < EQHDL_LANES; ++lane) {
                const uint32_t raw = m_top.host_data_o << (32 - EQHDL_STORED_WIDTH);
                weights.push_back(static_cast<int32_t>(raw) >> (32 - EQHDL_STORED_WIDTH));
                clock();
            }
            m_top.host_shift_i = 0;
        }
        return weights;
    }
};

}  // namespace

int main(int argc, char** argv) {
    const Options o = parse(argc, argv);
    // Sample k: label, then the inputs. Plan, three words a sample: which one; bit 31 set for training, bit 30 where a
    // batch ends, bits 29 to 27 the set of learning rates. Then the cycles that it takes, the lower half first.
    const auto samples = read_file<int32_t>(o.samples);
    const auto plan = read_file<uint32_t>(o.plan);
    const size_t count = plan.size() / 3;
    const size_t stride = size_t{EQHDL_INPUTS} + 1;

    Bench bench(o);
    Vsim_top& top = bench.top();
    top.seed_i = o.seed;
    top.free_steps_i = o.free_steps;
    top.nudged_steps_i = o.nudged_steps;
    top.rst_ni = 0;
    for (int i = 0; i < 4; ++i) bench.clock();
    bench.show();
    top.rst_ni = 1;
    bench.load(read_file<int32_t>(o.weights_in));
    top.sample_number_set_i = 1;
    top.sample_number_i = o.first_sample;
    bench.clock();
    top.sample_number_set_i = 0;
    top.enable_i = 1;

    std::vector<uint32_t> results;
    results.reserve(count * 4);
    size_t sending = 0, input = 0;
    uint64_t quiet = 0;
    bool hangs = false;
    const uint64_t first_cycle = bench.cycle();
    const auto begin = std::chrono::steady_clock::now();
    while (results.size() < count * 4) {
        if (sending < count) {
            const uint32_t entry = plan[3 * sending];
            const int32_t* sample = &samples[(entry & 0x7ffffffu) * stride];
            top.sample_valid_i = 1;
            top.sample_data_i = static_cast<uint32_t>(sample[1 + input]);
            top.sample_last_i = input + 1 == EQHDL_INPUTS;
            top.sample_label_i = static_cast<uint32_t>(sample[0]);
            top.sample_train_i = entry >> 31;
            top.sample_ends_batch_i = entry >> 30 & 1;
            top.sample_rates_i = entry >> 27 & 7;
        } else {
            top.sample_valid_i = 0;
        }
        const bool beat = top.sample_valid_i && top.sample_ready_o;
        bench.clock();
        if (beat && ++input == EQHDL_INPUTS) {
            input = 0;
            ++sending;
        }
        if (top.result_valid_o) {
            const uint32_t r[] = {top.result_prediction_o, top.result_label_o, top.result_cycles_o, top.result_reads_o};
            results.insert(results.end(), r, r + 4);
            quiet = 0;
        } else {
            // The cycles of a sample are known; at worst it is sent before them, not beside the one before.
            const uint32_t* cycles = &plan[3 * (results.size() / 4) + 1];
            hangs = ++quiet > (uint64_t{cycles[1]} << 32 | cycles[0]) + EQHDL_INPUTS + o.patience;
            if (hangs) break;
        }
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const uint64_t cycles = bench.cycle() - first_cycle;
    top.sample_valid_i = 0;
    top.enable_i = 0;
    for (int i = 0; i < 40; ++i) bench.clock();

    if (!o.results.empty()) write_file(o.results, results.data(), results.size() * sizeof(uint32_t));
    std::fprintf(stderr, "harness: %llu cycles in %.6f s\n", static_cast<unsigned long long>(cycles), seconds);
    // What the core has committed has been written to the waveform; the comparator says where it stopped.
    if (hangs) return Hangs;
    if (!o.weights_out.empty()) {
        const auto weights = bench.unload();
        write_file(o.weights_out, weights.data(), weights.size() * sizeof(int32_t));
    }
    return 0;
}
