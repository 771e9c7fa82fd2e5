// Vtop STIMULI RESULTS: feeds each unit its sets of drives, and writes down every pull. 32-bit words.
//
// stimuli: for each unit its outputs and the number of sets; per set label, beta (real, imaginary), a word that random bits
// are made of, and per output idle cycles before it, drive (real, imaginary). results: per output the cycles since the last
// drive, index with saturated (bit 16) and last (bit 17), drive and state (real, imaginary).

#include "Vtop.h"
#include "verilated.h"

#include <cstdint>
#include <cstdio>

namespace {

Vtop top;

void clock(size_t unit) {
    top.clk_i = 0;
    top.eval();
    top.clk_i = 1u << unit;
    top.eval();
}

}  // namespace

int main(int argc, char** argv) {
    std::FILE* in = argc == 3 ? std::fopen(argv[1], "rb") : nullptr;
    std::FILE* out = argc == 3 ? std::fopen(argv[2], "wb") : nullptr;
    if (!in || !out) return 1;
    constexpr size_t units = sizeof(top.flags_o) / sizeof(top.flags_o[0]);
    for (size_t unit = 0; unit < units; ++unit) {
        std::uint32_t size[2];
        if (std::fread(size, sizeof size, 1, in) != 1) return 1;
        top.valid_i = 0;
        top.rst_ni = 0;
        for (int i = 0; i < 4; ++i) clock(unit);
        top.rst_ni = 1;
        for (std::uint32_t set = 0; set < size[1]; ++set) {
            std::uint32_t held[4];
            if (std::fread(held, sizeof held, 1, in) != 1) return 1;
            top.label_i = held[0];
            top.beta_real_i = held[1];
            top.beta_imaginary_i = held[2];
            top.random_i = held[3];
            for (std::uint32_t i = 0; i < size[0]; ++i) {
                std::uint32_t s[3];
                if (std::fread(s, sizeof s, 1, in) != 1) return 1;
                top.valid_i = 0;
                for (std::uint32_t idle = 0; idle < s[0]; ++idle) clock(unit);
                top.valid_i = 1;
                top.last_i = i + 1 == size[0];
                top.index_i = i;
                top.drive_i = s[1];
                top.imaginary_drive_i = s[2];
                clock(unit);
            }
            top.valid_i = 0;
            std::uint32_t cycle = 1, seen = 0;
            for (; seen < size[0] && cycle < 10 * size[0] + 100; ++cycle, clock(unit)) {
                const std::uint32_t flags = top.flags_o[unit];
                if (!(flags >> 18 & 1)) continue;
                const std::uint32_t r[6] = {cycle, flags & 0x3ffff, top.drive_o[unit], top.imaginary_drive_o[unit],
                                            top.state_o[unit], top.imaginary_o[unit]};
                if (std::fwrite(r, sizeof r, 1, out) != 1) return 1;
                ++seen;
            }
            if (seen < size[0] || top.flags_o[unit] >> 18 & 1) return 3;
        }
    }
    top.final();
    return std::fclose(out) ? 1 : 0;
}
