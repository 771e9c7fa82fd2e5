// Vtop STIMULI RESULTS: pairs of 32-bit words (key, word) in, pairs (absorbed key, bits of row `word`) out.

#include "Vtop.h"
#include <cstdint>
#include <cstdio>

int main(int argc, char** argv) {
    std::FILE* in = argc == 3 ? std::fopen(argv[1], "rb") : nullptr;
    std::FILE* out = argc == 3 ? std::fopen(argv[2], "wb") : nullptr;
    if (!in || !out) return 1;
    Vtop top;
    std::uint32_t stimulus[2];
    while (std::fread(stimulus, sizeof stimulus, 1, in) == 1) {
        top.key_i = stimulus[0];
        top.word_i = stimulus[1];
        top.clk_i = 0;
        top.eval();
        top.clk_i = 1;
        top.eval();
        const std::uint32_t result[2] = {top.absorbed_o, top.bits_o};
        if (std::fwrite(result, sizeof result, 1, out) != 1) return 1;
    }
    top.final();
    return std::fclose(out) ? 1 : 0;
}
