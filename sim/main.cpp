// SPDX-License-Identifier: Apache-2.0
// Simulation harness of a generated core: feeds samples, streams the commit port's waveform to standard output, keeps
// results and final weights.
//
// It also goes where a training alone does not. The first weights are loaded from the reset address on, the others by
// seeking; a sample is classified and given up by a reset in its midst, before what is watched; samples wait for enable,
// and one loses it on its way. What the ports say besides the results is held against what they must say in every cycle.

#include "harness.h"

namespace {

// Cycles in which nothing of an interrupted sample is left in the pipeline: what hdl/bus_reset.v holds the core's reset for.
constexpr int Reset = 16;
// How long samples wait for enable, where they do.
constexpr uint64_t Pause = 24;
// Most cycles that a sample's inputs wait for one another, where they do: fewer than a sample in time may be late.
constexpr int MostGaps = 16;
// A cycle that does not come.
constexpr uint64_t Never = ~uint64_t{0};

class Core final : public Bench {
    void seek(size_t word) {
        m_top.host_address_i = static_cast<uint32_t>(word);
        m_top.host_seek_i = 1;
        clock();
        m_top.host_seek_i = 0;
    }

public:
    using Bench::Bench;

    static constexpr size_t Words = EQHDL_WORDS, Lanes = EQHDL_LANES;
    // The first third of the words, which need no seek after a reset; then the last; then what lies between.
    static constexpr size_t Third = (Words + 2) / 3, TwoThirds = (2 * Words + 2) / 3;

    void reset(int cycles) {
        m_top.rst_ni = 0;
        for (int i = 0; i < cycles; ++i) clock();
        m_top.rst_ni = 1;
    }

    // Words from the present address on.
    void load(const std::vector<int32_t>& weights, size_t from, size_t to) {
        for (size_t word = from; word < to; ++word) {
            m_top.host_shift_i = 1;
            for (size_t lane = 0; lane < Lanes; ++lane) {
                m_top.host_data_i = static_cast<uint32_t>(weights[word * Lanes + lane]);
                clock();
            }
            m_top.host_shift_i = 0;
            m_top.host_store_i = 1;
            clock();
            m_top.host_store_i = 0;
        }
    }

    void load_rest(const std::vector<int32_t>& weights) {
        seek(TwoThirds);
        load(weights, TwoThirds, Words);
        seek(Third);
        load(weights, Third, TwoThirds);
    }

    void unload(std::vector<int32_t>& weights, size_t from, size_t to) {
        seek(from);
        for (size_t word = from; word < to; ++word) {
            m_top.host_fetch_i = 1;
            clock();
            m_top.host_fetch_i = 0;
            clock();
            clock();
            clock();
            m_top.host_shift_i = 1;
            for (size_t lane = 0; lane < Lanes; ++lane) {
                const uint32_t raw = m_top.host_data_o << (32 - EQHDL_STORED_WIDTH);
                weights[word * Lanes + lane] = static_cast<int32_t>(raw) >> (32 - EQHDL_STORED_WIDTH);
                clock();
            }
            m_top.host_shift_i = 0;
        }
    }

    std::vector<int32_t> unload() {
        std::vector<int32_t> weights(Words * Lanes);
        unload(weights, Third, Words);
        unload(weights, 0, Third);
        return weights;
    }

    void offer(const int32_t* sample, uint32_t entry, size_t input) {
        m_top.sample_valid_i = 1;
        m_top.sample_data_i = static_cast<uint32_t>(sample[1 + input]);
        m_top.sample_last_i = input + 1 == EQHDL_INPUTS;
        m_top.sample_label_i = static_cast<uint32_t>(sample[0]);
        m_top.sample_train_i = entry >> 31;
        m_top.sample_ends_batch_i = entry >> 30 & 1;
        m_top.sample_rates_i = entry >> 27 & 7;
    }

    // Classifies a sample over and over for so many cycles, and gives the last one up.
    void begin_and_give_up(const int32_t* sample, uint64_t cycles) {
        m_top.enable_i = 1;
        size_t input = 0;
        for (uint64_t i = 0; i < cycles; ++i) {
            offer(sample, 0, input);
            const bool beat = m_top.sample_ready_o;
            clock();
            if (beat && ++input == EQHDL_INPUTS) input = 0;
        }
        m_top.sample_valid_i = 0;
        m_top.enable_i = 0;
        reset(Reset);
    }
};

// What the core's ports must say: two samples are kept; one starts when it is there whole, enabled, and the one before is
// gone, which is two cycles after its result was taken. Cycles are those of the bench, a value that of after its edge.
class Ports {
    uint64_t m_taken = 0, m_started = 0, m_left = 0;  // samples taken whole, started, and gone from their buffers
    uint64_t m_gone_at = Never;                       // edge with which the last one goes
    bool m_running = false;
    uint64_t m_start = 0;
    uint32_t m_odd_ready = 0, m_odd_busy = 0;

public:
    bool ready() const { return m_taken - m_left < 2; }
    // A sample is there whole and has not started, and the one before is gone.
    bool waits() const { return !m_running && m_gone_at == Never && m_taken > m_started; }
    bool running() const { return m_running; }
    // Some cycles ago the sample of this number (from 1) has started, or should have.
    bool well_under_way(uint64_t number, uint64_t now) const {
        return m_running && m_started == number && now >= m_start + Pause;
    }

    // Before an edge: is the core ready as it must be?
    void before(bool ready_o) { m_odd_ready += ready_o != ready(); }

    // After edge `now`.
    void after(uint64_t now, bool enable, bool took, bool busy_o) {
        if (now > m_gone_at) m_gone_at = Never;
        if (!m_running && m_gone_at == Never && enable && m_taken > m_started) {
            m_running = true;
            m_start = now;
            ++m_started;
        }
        if (now == m_gone_at) ++m_left;
        if (now + 1 == m_gone_at) m_running = false;
        m_taken += took;
        m_odd_busy += busy_o != m_running;
    }

    // A result is there after edge `now`: how many cycles later than it must be, and how often ready and busy were wrong
    // since the one before.
    void result(uint64_t now, uint64_t due_after, std::vector<uint32_t>& out) {
        out.insert(out.end(), {static_cast<uint32_t>(now - m_start - due_after), m_odd_ready, m_odd_busy,
                               static_cast<uint32_t>(now), static_cast<uint32_t>(now >> 32)});
        m_gone_at = now + 2;
        m_odd_ready = m_odd_busy = 0;
    }

    // What was wrong since the last result is told with it.
    void end(std::vector<uint32_t>& out) const {
        if (out.empty()) return;
        out[out.size() - 4] += m_odd_ready;
        out[out.size() - 3] += m_odd_busy;
    }
};

// What the harness has made the core's ports go through: words of the line that it reports.
struct Exercised {
    uint64_t given_up = 0, held = 0, dropped = 0, gaps = 0, full = 0, late = 0;

    void report() const {
        std::fprintf(stderr, "harness: ports %llu %llu %llu %llu %llu %llu\n",
                     static_cast<unsigned long long>(given_up), static_cast<unsigned long long>(held),
                     static_cast<unsigned long long>(dropped), static_cast<unsigned long long>(gaps),
                     static_cast<unsigned long long>(full), static_cast<unsigned long long>(late));
    }
};

}  // namespace

int main(int argc, char** argv) {
    const Options o = parse(argc, argv);
    const Work work(o);
    Core bench(o);
    Vsim_top& top = bench.top();
    top.seed_i = o.seed;
    top.free_steps_i = o.free_steps;
    top.nudged_steps_i = o.nudged_steps;
    top.rst_ni = 0;
    for (int i = 0; i < 4; ++i) bench.clock();
    bench.show();
    top.rst_ni = 1;
    const std::vector<int32_t> weights = read_file<int32_t>(o.weights_in);
    if (weights.size() != Core::Words * Core::Lanes) fail("the initial weights have the wrong size");
    bench.load(weights, 0, Core::Third);
    bench.load_rest(weights);
    Exercised exercised;
    if (work.count > 0) {
        const uint64_t most = std::min<uint64_t>(work.limit(0, o), 1 << 14);
        bench.watched(false);
        bench.begin_and_give_up(work.sample(0), EQHDL_INPUTS + (o.seed * 2654435761u >> 8) % most);
        bench.watched(true);
        bench.load(weights, 0, Core::Third);
        ++exercised.given_up;
    }
    if (o.first_sample != 0) {
        top.sample_number_set_i = 1;
        top.sample_number_i = o.first_sample;
        bench.clock();
        top.sample_number_set_i = 0;
    }

    std::vector<uint32_t> results;
    size_t done = 0, sending = 0, input = 0;
    results.reserve(work.count * ResultWords);
    Ports ports;
    uint64_t quiet = 0, enabled_at = Never;
    bool hangs = false;
    int gaps = 0;
    const uint64_t first_cycle = bench.cycle();
    const auto begin = std::chrono::steady_clock::now();
    while (done < work.count) {
        // The first sample waits for enable until the next one is there, too, or must be; the second loses it on its way,
        // and whoever comes next waits again.
        const bool both = sending >= std::min<size_t>(work.count, 2);
        if (enabled_at == Never && (both || bench.cycle() >= first_cycle + 2 * EQHDL_INPUTS + Pause)) {
            enabled_at = bench.cycle() + Pause;
            quiet = 0;
        }
        top.enable_i = bench.cycle() >= enabled_at && !(done == 1 && ports.well_under_way(2, bench.cycle()));
        if (sending < work.count) {
            bench.offer(work.sample(sending), work.entry(sending), input);
            // From the third sample on, an input in eight waits a cycle.
            const bool gap =
                top.sample_ready_o && sending >= 2 && gaps < MostGaps && (bench.cycle() * 2654435761u >> 13 & 7) == 0;
            if (gap) top.sample_valid_i = 0;
            gaps += gap;
            exercised.gaps += gap;
        } else {
            top.sample_valid_i = 0;
        }
        const bool beat = top.sample_valid_i && top.sample_ready_o, last = top.sample_last_i;
        exercised.held += ports.waits() && !top.enable_i;
        exercised.dropped += ports.running() && !top.enable_i;
        exercised.full += top.sample_valid_i && !top.sample_ready_o;
        ports.before(top.sample_ready_o);
        bench.clock();
        ports.after(bench.cycle(), top.enable_i, beat && last, top.busy_o);
        if (beat && ++input == EQHDL_INPUTS) {
            input = 0;
            gaps = 0;
            ++sending;
        }
        if (top.result_valid_o) {
            results.insert(results.end(), {top.result_prediction_o, top.result_label_o, top.result_cycles_o,
                                           top.result_reads_o, top.result_train_o, top.sample_number_o});
            // Every other result is taken a cycle late (sim_top).
            ports.result(bench.cycle(), uint64_t{top.result_cycles_o} + (done & 1), results);
            exercised.late += done & 1;
            if (++done <= 2) enabled_at = bench.cycle() + Pause;
            quiet = 0;
        } else if (enabled_at != Never && bench.cycle() < enabled_at) {
            quiet = 0;
        } else {
            hangs = ++quiet > work.limit(done, o);
            if (hangs) break;
        }
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const uint64_t cycles = bench.cycle() - first_cycle;
    top.sample_valid_i = 0;
    // Without a sample, enable starts nothing.
    top.enable_i = 1;
    for (uint64_t i = 0; i < Pause && !hangs; ++i) {
        ports.before(top.sample_ready_o);
        bench.clock();
        ports.after(bench.cycle(), true, false, top.busy_o);
    }
    ports.end(results);
    top.enable_i = 0;
    for (int i = 0; i < 40; ++i) bench.clock();

    if (!o.results.empty()) write_file(o.results, results.data(), results.size() * sizeof(uint32_t));
    exercised.report();
    std::fprintf(stderr, "harness: %llu cycles in %.6f s\n", static_cast<unsigned long long>(cycles), seconds);
    // What the core has committed has been written to the waveform; the comparator says where it stopped.
    if (hangs) return Hangs;
    if (!o.weights_out.empty()) {
        const auto left = bench.unload();
        write_file(o.weights_out, left.data(), left.size() * sizeof(int32_t));
    }
    return 0;
}
