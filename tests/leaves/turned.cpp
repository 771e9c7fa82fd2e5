// Feeds every complex neuron its own stimuli, one a cycle, and writes down what comes out after the unit's cycles.
//
// stimuli: the cycles, then for each unit the number of stimuli, and per stimulus total, real and imaginary part of the
// state, factor, cross, waiting drive, flags (target, turned, second from bit 0 up), random words of drive (low half) and
// real state, of the imaginary state: 64 bits each. results: per stimulus drive and its imaginary part (high half), state
// and its imaginary part.

#include "Vtop.h"
#include "verilated.h"

#include <cstdint>
#include <cstdio>
#include <vector>

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    std::FILE* in = std::fopen(argv[1], "rb");
    std::FILE* out = std::fopen(argv[2], "wb");
    if (!in || !out) return 2;
    Vtop top;
    constexpr size_t units = sizeof(top.drives_o) / sizeof(top.drives_o[0]);
    const auto clock = [&top] {
        top.clk_i = 0;
        top.eval();
        top.clk_i = 1;
        top.eval();
    };
    uint64_t cycles = 0;
    if (std::fread(&cycles, sizeof cycles, 1, in) != 1) return 2;
    for (size_t unit = 0; unit < units; ++unit) {
        uint64_t count = 0;
        if (std::fread(&count, sizeof count, 1, in) != 1) return 2;
        std::vector<uint64_t> words(count * 9);
        if (std::fread(words.data(), 8, words.size(), in) != words.size()) return 2;
        for (uint64_t i = 0; i < count + cycles - 1; ++i) {
            if (i < count) {
                const uint64_t* w = &words[i * 9];
                top.total_i = w[0];
                top.real_i = w[1];
                top.imaginary_i = w[2];
                top.factor_i = w[3];
                top.cross_i = w[4];
                top.waiting_i = w[5];
                top.target_i = w[6] & 1;
                top.turned_i = w[6] >> 1 & 1;
                top.second_i = w[6] >> 2 & 1;
                top.drive_random_i = static_cast<uint32_t>(w[7]);
                top.real_random_i = static_cast<uint32_t>(w[7] >> 32);
                top.imaginary_random_i = static_cast<uint32_t>(w[8]);
            }
            clock();
            if (i + 1 >= cycles) {
                const uint64_t results[2] = {top.drives_o[unit], top.states_o[unit]};
                if (std::fwrite(results, 8, 2, out) != 2) return 2;
            }
        }
    }
    std::fclose(in);
    return std::fclose(out) == 0 ? 0 : 2;
}
