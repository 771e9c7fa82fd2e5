// Vtop STIMULI RESULTS CYCLES: pairs of 64-bit words in (a drive's real and imaginary part), one pair a cycle; for every
// pair and unit three 64-bit words out, CYCLES later: real part, imaginary part, whether the drive was saturated.

#include "Vtop.h"
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

int main(int argc, char** argv) {
    std::FILE* in = argc == 4 ? std::fopen(argv[1], "rb") : nullptr;
    std::FILE* out = argc == 4 ? std::fopen(argv[2], "wb") : nullptr;
    if (!in || !out) return 1;
    const std::size_t cycles = std::strtoul(argv[3], nullptr, 10);
    std::vector<std::int64_t> drives;
    std::int64_t pair[2];
    while (std::fread(pair, sizeof pair, 1, in) == 1) drives.insert(drives.end(), pair, pair + 2);
    Vtop top;
    for (std::size_t i = 0; i + 1 < drives.size() / 2 + cycles; ++i) {
        if (2 * i < drives.size()) {
            top.real_i = drives[2 * i] & 0x3fff;
            top.imaginary_i = drives[2 * i + 1] & 0x3fff;
        }
        top.clk_i = 0;
        top.eval();
        top.clk_i = 1;
        top.eval();
        if (i + 1 >= cycles && std::fwrite(&top.out_o[0], sizeof top.out_o, 1, out) != 1) return 1;
    }
    top.final();
    return std::fclose(out) ? 1 : 0;
}
