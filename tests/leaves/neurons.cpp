// Feeds every neuron unit its own stimuli, one a cycle, and writes down what comes out nine cycles later.
//
// stimuli: for each unit the number of stimuli, then per stimulus total, state, target, nudge (bit 2: rests), random words (drive in the
// low half, state in the high half): 64 bits each. results: per stimulus drive (low half) and state (high half).

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
    constexpr size_t units = sizeof(top.out_o) / sizeof(top.out_o[0]);
    const auto clock = [&top] {
        top.clk_i = 0;
        top.eval();
        top.clk_i = 1;
        top.eval();
    };
    for (size_t unit = 0; unit < units; ++unit) {
        uint64_t count = 0;
        if (std::fread(&count, sizeof count, 1, in) != 1) return 2;
        std::vector<uint64_t> words(count * 5);
        if (std::fread(words.data(), 8, words.size(), in) != words.size()) return 2;
        for (uint64_t i = 0; i < count + 8; ++i) {
            if (i < count) {
                const uint64_t* w = &words[i * 5];
                top.total_i = w[0];
                top.state_i = w[1];
                top.target_i = w[2] & 1;
                top.nudge_i = w[3] & 3;
                top.rest_i = w[3] >> 2 & 1;
                top.drive_random_i = static_cast<uint32_t>(w[4]);
                top.state_random_i = static_cast<uint32_t>(w[4] >> 32);
            }
            clock();
            if (i >= 8) {
                const uint64_t result = top.out_o[unit];
                if (std::fwrite(&result, 8, 1, out) != 1) return 2;
            }
        }
    }
    std::fclose(in);
    return std::fclose(out) == 0 ? 0 : 2;
}
