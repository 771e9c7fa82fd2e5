// SPDX-License-Identifier: Apache-2.0
// Simulation harness of a generated core: feeds samples, streams the commit port's waveform to standard output, keeps
// results and final weights.

#include "harness.h"

namespace {

class Core final : public Bench {
public:
    using Bench::Bench;

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
    bench.load(read_file<int32_t>(o.weights_in));
    top.sample_number_set_i = 1;
    top.sample_number_i = o.first_sample;
    bench.clock();
    top.sample_number_set_i = 0;
    top.enable_i = 1;

    std::vector<uint32_t> results;
    results.reserve(work.count * 4);
    size_t sending = 0, input = 0;
    uint64_t quiet = 0;
    bool hangs = false;
    const uint64_t first_cycle = bench.cycle();
    const auto begin = std::chrono::steady_clock::now();
    while (results.size() < work.count * 4) {
        if (sending < work.count) {
            const uint32_t entry = work.entry(sending);
            const int32_t* sample = work.sample(sending);
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
            hangs = ++quiet > work.limit(results.size() / 4, o);
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
