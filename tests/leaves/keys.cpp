// Vtop STIMULI RESULTS: sixteen words in, seven out. Words 0 to 6: seed, sample, step, key, layer, column, index; word 7:
// how many outputs there are; 8 to 15: their values. Out: key of the pass (held while other inputs come), sign, bits of the
// neuron in three cycles and in one, keys of column and chunk, prediction.

#include "Vtop.h"
#include <cstdint>
#include <cstdio>

namespace {

Vtop top;

void clock(int cycles) {
    for (int i = 0; i < cycles; ++i) {
        top.clk_i = 0;
        top.eval();
        top.clk_i = 1;
        top.eval();
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::FILE* in = argc == 3 ? std::fopen(argv[1], "rb") : nullptr;
    std::FILE* out = argc == 3 ? std::fopen(argv[2], "wb") : nullptr;
    if (!in || !out) return 1;
    std::uint32_t s[16];
    while (std::fread(s, sizeof s, 1, in) == 1) {
        top.seed_i = s[0];
        top.sample_i = s[1];
        top.step_i = s[2];
        top.key_i = s[3];
        top.layer_i = s[4];
        top.column_i = s[5];
        top.index_i = s[6];
        top.hold_i = 0;
        clock(6);
        std::uint32_t r[7] = {0, top.negative_o, top.neuron3_o, top.neuron1_o, top.column_key_o, top.chunk_key_o, 0};
        top.hold_i = 1;
        top.seed_i = ~s[0];
        top.step_i = ~s[2];
        for (std::uint32_t i = 0; i < s[7]; ++i) {
            top.output_i = 1;
            top.first_i = i == 0;
            top.number_i = i;
            top.value_i = s[8 + i] & 0x1ff;
            clock(1);
        }
        top.output_i = 0;
        top.read_i = 1;
        clock(1);
        top.read_i = 0;
        clock(8);
        r[0] = top.pass_key_o;
        r[6] = top.prediction_o;
        if (std::fwrite(r, sizeof r, 1, out) != 1) return 1;
    }
    top.final();
    return std::fclose(out) ? 1 : 0;
}
