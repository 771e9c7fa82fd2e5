// SPDX-License-Identifier: Apache-2.0
// Simulation harness of a core on its bus: a master on AXI4-Lite and both AXI4-Streams, which holds back and stalls at
// random. Streams the commit port's waveform as the core's own harness does, and keeps everything that the bus answers.
//
//   EQHDL_PREFIX   of the names in the generated C header, which is included on the command line
//   Registers      all their addresses, in another generated header
//   EQHDL_MARKS    bits of a sample's header that have a meaning for this core

#include "harness.h"

#include <algorithm>
#include <utility>

#define EQHDL_PASTE(prefix, name) prefix##_##name
#define EQHDL_NAME(prefix, name) EQHDL_PASTE(prefix, name)
#define REGISTER(name) EQHDL_NAME(EQHDL_PREFIX, name)

namespace {

// The bus does not answer.
struct Silence {};

class Bus final : public Bench {
    // Cycles in which an access to a register or a weight must be answered.
    static constexpr uint64_t Answer = 1000000;
    uint32_t m_random = 0x9E3779B9u;
    std::vector<uint32_t> m_packet;  // what is being sent
    size_t m_sent = 0;
    std::vector<uint32_t> m_result;  // what has come of a result
    uint32_t m_framing = 0;          // result words with a wrong tlast or tkeep
    uint32_t m_responses = 0;        // accesses that were not answered by OKAY
    uint32_t m_interrupts = 0;       // cycles with an interrupt that was not asked for
    bool m_quiet = true;             // none has been asked for

    bool once_in(uint32_t n) {
        m_random ^= m_random << 13;
        m_random ^= m_random >> 17;
        m_random ^= m_random << 5;
        return m_random % n == 0;
    }

public:
    using Bench::Bench;

    // One clock cycle, in which the streams go on.
    void tick() {
        if (!m_top.s_axis_tvalid && m_sent < m_packet.size() && !once_in(8)) {
            m_top.s_axis_tvalid = 1;
            m_top.s_axis_tdata = m_packet[m_sent];
            m_top.s_axis_tlast = m_sent + 1 == m_packet.size();
        }
        m_top.m_axis_tready = m_result.size() < 4 && !once_in(4);
        const bool beat = m_top.s_axis_tvalid && m_top.s_axis_tready;
        const bool word = m_top.m_axis_tvalid && m_top.m_axis_tready;
        const uint32_t data = m_top.m_axis_tdata;
        const bool last = m_top.m_axis_tlast, keep = m_top.m_axis_tkeep == 15;
        clock();
        m_interrupts += m_quiet && m_top.irq_o;
        if (beat) {
            m_top.s_axis_tvalid = 0;
            ++m_sent;
        }
        if (word) {
            m_result.push_back(data);
            m_framing += !keep || last != (m_result.size() == 4);
        }
    }

    // What the bus has done wrong, whatever it answered.
    void faults(std::vector<uint32_t>& answers) const {
        answers.insert(answers.end(), {m_framing, m_responses, m_interrupts});
    }
    void expect_interrupts() { m_quiet = false; }
    bool interrupt() const { return m_top.irq_o; }

    // Any other response than the expected one is counted.
    void write(uint32_t address, uint32_t data, uint8_t strobe = 15, uint8_t expected = 0) {
        m_top.s_axi_wstrb = strobe;
        m_top.s_axi_awaddr = address;
        m_top.s_axi_wdata = data;
        m_top.s_axi_awvalid = m_top.s_axi_wvalid = 1;
        m_top.s_axi_bready = 1;
        for (uint64_t waited = 0; m_top.s_axi_awvalid || m_top.s_axi_wvalid; ++waited) {
            if (waited > Answer) throw Silence{};
            const bool aw = m_top.s_axi_awvalid && m_top.s_axi_awready, w = m_top.s_axi_wvalid && m_top.s_axi_wready;
            tick();
            if (aw) m_top.s_axi_awvalid = 0;
            if (w) m_top.s_axi_wvalid = 0;
        }
        for (uint64_t waited = 0; !m_top.s_axi_bvalid; ++waited) {
            if (waited > Answer) throw Silence{};
            tick();
        }
        m_responses += m_top.s_axi_bresp != expected;
        tick();
    }

    uint32_t read(uint32_t address) {
        m_top.s_axi_araddr = address;
        m_top.s_axi_arvalid = 1;
        m_top.s_axi_rready = 1;
        for (uint64_t waited = 0; m_top.s_axi_arvalid; ++waited) {
            if (waited > Answer) throw Silence{};
            const bool ar = m_top.s_axi_arready;
            tick();
            if (ar) m_top.s_axi_arvalid = 0;
        }
        for (uint64_t waited = 0; !m_top.s_axi_rvalid; ++waited) {
            if (waited > Answer) throw Silence{};
            tick();
        }
        const uint32_t data = m_top.s_axi_rdata;
        m_responses += m_top.s_axi_rresp != 0;
        tick();
        return data;
    }

    bool sending() const { return m_sent < m_packet.size(); }

    // A header, then the inputs in slots, slot 0 of a word first.
    void send(uint32_t entry, const int32_t* sample, uint32_t slot) {
        const uint32_t slots = 32 / slot, mask = slot == 32 ? ~0u : (1u << slot) - 1;
        m_packet.assign(1, static_cast<uint32_t>(sample[0]) | (entry & EQHDL_MARKS));
        for (size_t i = 0; i < EQHDL_INPUTS; ++i) {
            if (i % slots == 0) m_packet.push_back(0);
            m_packet.back() |= (static_cast<uint32_t>(sample[1 + i]) & mask) << (i % slots * slot);
        }
        m_sent = 0;
    }

    // A packet as it is, well-formed or not.
    void send(std::vector<uint32_t> packet) {
        m_packet = std::move(packet);
        m_sent = 0;
        for (uint64_t waited = 0; sending(); ++waited) {
            if (waited > Answer) throw Silence{};
            tick();
        }
    }

    // The four words of a result, once they are there; nothing more is taken before they are asked for.
    bool result(uint32_t* words) {
        if (m_result.size() < 4) return false;
        std::copy(m_result.begin(), m_result.end(), words);
        m_result.clear();
        return true;
    }

    void load(const std::vector<int32_t>& weights) {
        for (size_t i = 0; i < weights.size(); ++i)
            write(REGISTER(WINDOW_RESET) + static_cast<uint32_t>(4 * i), static_cast<uint32_t>(weights[i]));
    }

    std::vector<int32_t> unload() {
        std::vector<int32_t> weights;
        for (size_t i = 0; i < size_t{EQHDL_WORDS} * EQHDL_LANES; ++i)
            weights.push_back(static_cast<int32_t>(read(REGISTER(WINDOW_RESET) + static_cast<uint32_t>(4 * i))));
        return weights;
    }
};

// Trains; false where no result came in time.
bool train(Bus& bus, const Options& o, const Work& work, std::vector<uint32_t>& results, std::vector<uint32_t>& answers) {
    const uint32_t slot = REGISTER(INPUT_RESET) >> 24;
    size_t sent = 0, done = 0;
    uint64_t quiet = 0;
    while (done < work.count) {
        if (!bus.sending() && sent < work.count) {
            bus.send(work.entry(sent), work.sample(sent), slot);
            ++sent;
        }
        bus.tick();
        uint32_t packet[4];
        if (bus.result(packet)) {
            // An access while samples run. Of a very short sample the register may be the next one's: `after` compares it.
            const uint32_t reads = bus.read(REGISTER(READS));
            // Packets wait for their reader, so nothing is said of when they are due.
            const uint64_t now = bus.cycle();
            const uint32_t r[] = {packet[0] & 0xffff, packet[0] >> 16 & 0x7fff, packet[3], reads, packet[0] >> 31, packet[1],
                                  0, 0, 0, static_cast<uint32_t>(now), static_cast<uint32_t>(now >> 32)};
            static_assert(sizeof r == ResultWords * sizeof *r);
            results.insert(results.end(), r, r + ResultWords);
            answers.insert(answers.end(), packet, packet + 4);
            ++done;
            quiet = 0;
        } else if (++quiet > work.limit(done, o)) {
            return false;
        }
    }
    return true;
}

// What a training does not use: bad packets, refused and partial writes, interrupts; then every register.
void after(Bus& bus, const Options& o, std::vector<uint32_t>& answers) {
    const size_t words = 1 + (size_t{EQHDL_INPUTS} * (REGISTER(INPUT_RESET) >> 24) + 31) / 32;
    bus.send(std::vector<uint32_t>(words > 2 ? 2 : 1, 0));  // short
    bus.send(std::vector<uint32_t>(words + 1, 0));          // long
    std::vector<uint32_t> label(words, 0);
    label[0] = 1u << 20;
    bus.send(label);                                        // a header with a bit that means nothing
    for (int i = 0; i < 64; ++i) bus.tick();
    bus.write(REGISTER(ID), 1, 15, 2);                      // read only: SLVERR
    bus.write(REGISTER(SEED), ~o.seed, 6);                  // the two bytes in the middle
    for (const uint8_t strobe : {1, 14}) {
        bus.write(REGISTER(WINDOW_RESET), strobe == 1 ? 0xA5A5A5A5u : 0x5A5A5A5Au, strobe);
        answers.push_back(bus.read(REGISTER(WINDOW_RESET)));
    }
    bus.expect_interrupts();
    bus.write(REGISTER(INTERRUPT), REGISTER(INTERRUPT_RESULT));
    answers.push_back(bus.interrupt());                     // samples have ended
    for (const uint32_t address : Registers) answers.push_back(bus.read(address));
    bus.write(REGISTER(EVENTS), REGISTER(EVENTS_RESULT));
    answers.push_back(bus.interrupt());                     // taken note of
    bus.faults(answers);
}

}  // namespace

int main(int argc, char** argv) {
    const Options o = parse(argc, argv);
    const Work work(o);
    Bus bus(o);
    Vsim_top& top = bus.top();
    top.rst_ni = 0;
    for (int i = 0; i < 4; ++i) bus.clock();
    bus.show();
    top.rst_ni = 1;
    std::vector<uint32_t> results, answers;
    std::vector<int32_t> weights;
    bool hangs = false;
    const auto begin = std::chrono::steady_clock::now();
    uint64_t first_cycle = 0, cycles = 0;
    try {
        bus.write(REGISTER(STEPS), o.nudged_steps << 16 | o.free_steps);
        bus.write(REGISTER(SEED), o.seed);
        bus.write(REGISTER(SAMPLE_NUMBER), o.first_sample);
        bus.load(read_file<int32_t>(o.weights_in));
        bus.write(REGISTER(CONTROL), REGISTER(CONTROL_ENABLE));
        first_cycle = bus.cycle();
        hangs = !train(bus, o, work, results, answers);
        cycles = bus.cycle() - first_cycle;
        if (!hangs) {
            bus.write(REGISTER(CONTROL), 0);
            for (int i = 0; !(bus.read(REGISTER(STATUS)) & REGISTER(STATUS_OPEN)); ++i)
                if (i > 1000) throw Silence{};
            weights = bus.unload();
            after(bus, o, answers);
        }
    } catch (const Silence&) {
        hangs = true;
        cycles = bus.cycle() - first_cycle;
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (!o.results.empty()) write_file(o.results, results.data(), results.size() * sizeof(uint32_t));
    if (!o.bus.empty()) write_file(o.bus, answers.data(), answers.size() * sizeof(uint32_t));
    std::fprintf(stderr, "harness: %llu cycles in %.6f s\n", static_cast<unsigned long long>(cycles), seconds);
    if (hangs) return Hangs;
    if (!o.weights_out.empty()) write_file(o.weights_out, weights.data(), weights.size() * sizeof(int32_t));
    return 0;
}
