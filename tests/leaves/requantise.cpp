// Runs stimuli through groups of requantisers and writes what they answer.
//
//   Vtop STIMULI RESULTS
//
// STIMULI: for each group in order, a 64-bit count and so many pairs of 64-bit words (value, random).
// RESULTS: for each stimulus, one 64-bit word for each requantiser of the group: {saturated, 32 bits of result}.
// groups.inc is written by tests/leaves.rs: one `GROUP(number)` a group.

#include "Vtop.h"
#include <cstdint>
#include <cstdio>
#include <iterator>

namespace {

struct Group {
    const std::uint64_t* results;
    std::size_t count;
};

int fail(const char* what) {
    std::fprintf(stderr, "%s\n", what);
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return fail("usage: Vtop STIMULI RESULTS");
    std::FILE* in = std::fopen(argv[1], "rb");
    std::FILE* out = std::fopen(argv[2], "wb");
    if (!in || !out) return fail("cannot open the stimuli or the results");
    Vtop top;
    const Group groups[] = {
#define GROUP(n) {reinterpret_cast<const std::uint64_t*>(&top.out_##n##_o[0]), std::size(top.out_##n##_o)},
#include "groups.inc"
    };
    for (std::size_t g = 0; g < std::size(groups); ++g) {
        std::uint64_t count;
        if (std::fread(&count, sizeof count, 1, in) != 1) return fail("the stimuli end early");
        for (; count; --count) {
            std::uint64_t stimulus[2];
            if (std::fread(stimulus, sizeof stimulus, 1, in) != 1) return fail("the stimuli end early");
            top.in_i = stimulus[0];
            top.random_i = static_cast<std::uint32_t>(stimulus[1]);
            top.clk_i = std::uint64_t{1} << g;
            top.eval();
            top.clk_i = 0;
            top.eval();
            if (std::fwrite(groups[g].results, sizeof(std::uint64_t), groups[g].count, out) != groups[g].count)
                return fail("cannot write the results");
        }
    }
    top.final();
    return std::fclose(out) ? fail("cannot write the results") : 0;
}
