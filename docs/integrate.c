/* Trains a core of eqhdl (digits-cep) from a processor, without a DMA: a stream FIFO takes what is written to it word by
 * word. docs/integrate.md explains it; tests/bus.rs compiles it. */

#include "eqhdl_digits_cep.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the system has put the core and the two stream FIFOs. */
#define CORE_BASE 0x40000000u
#define SAMPLE_FIFO ((volatile uint32_t *)0x41000000u)     /* write: one word of a packet */
#define SAMPLE_FIFO_END ((volatile uint32_t *)0x41000004u) /* write: the packet's last word, with tlast */
#define RESULT_FIFO ((volatile uint32_t *)0x42000000u)     /* read: one word, once there is one */
#define RESULT_COUNT ((volatile uint32_t *)0x42000004u)    /* read: words there */

static volatile uint32_t *reg(uint32_t offset)
{
    return (volatile uint32_t *)(uintptr_t)(CORE_BASE + offset);
}

/* True when this is the core that the header was generated with. */
bool core_present(void)
{
    return *reg(EQHDL_DIGITS_CEP_ID) == EQHDL_DIGITS_CEP_ID_RESET
        && *reg(EQHDL_DIGITS_CEP_DESIGN) == EQHDL_DIGITS_CEP_DESIGN_RESET;
}

/* Waits until weights, steps, seed and sample number may be accessed. */
static void core_open(void)
{
    *reg(EQHDL_DIGITS_CEP_CONTROL) = 0;
    while (!(*reg(EQHDL_DIGITS_CEP_STATUS) & EQHDL_DIGITS_CEP_STATUS_OPEN)) {
    }
}

/* From a memory image (EQHDL_DIGITS_CEP_WINDOW_WORDS weights, as core_save gives it), to the first sample. */
void core_start(const int32_t *weights, uint32_t seed, uint32_t first_sample)
{
    core_open();
    for (uint32_t i = 0; i < EQHDL_DIGITS_CEP_WINDOW_WORDS; i++)
        *reg(EQHDL_DIGITS_CEP_WINDOW_BASE + 4 * i) = (uint32_t)weights[i];
    *reg(EQHDL_DIGITS_CEP_SEED) = seed;
    *reg(EQHDL_DIGITS_CEP_SAMPLE_NUMBER) = first_sample;
    *reg(EQHDL_DIGITS_CEP_ERRORS) = *reg(EQHDL_DIGITS_CEP_ERRORS);
    *reg(EQHDL_DIGITS_CEP_CONTROL) = EQHDL_DIGITS_CEP_CONTROL_ENABLE | EQHDL_DIGITS_CEP_CONTROL_CLEAR;
}

/* Learns a sample (or only classifies it); the result holds the prediction made before anything was learned. */
eqhdl_digits_cep_result_t core_sample(const uint8_t *inputs, unsigned label, bool train)
{
    union {
        eqhdl_digits_cep_sample_t sample;
        uint32_t words[EQHDL_DIGITS_CEP_PACKET_WORDS];
    } packet = { .sample = { .header = EQHDL_DIGITS_CEP_HEADER(label, train) } };
    for (size_t i = 0; i < EQHDL_DIGITS_CEP_PACKET_INPUTS; i++)
        packet.sample.inputs[i] = inputs[i];
    for (size_t i = 0; i + 1 < EQHDL_DIGITS_CEP_PACKET_WORDS; i++)
        *SAMPLE_FIFO = packet.words[i];
    *SAMPLE_FIFO_END = packet.words[EQHDL_DIGITS_CEP_PACKET_WORDS - 1];
    while (*RESULT_COUNT < 4) {
    }
    eqhdl_digits_cep_result_t result;
    result.result = *RESULT_FIFO;
    result.number = *RESULT_FIFO;
    result.signature = *RESULT_FIFO; /* the model's, or this board and the model have parted at this sample */
    result.cycles = *RESULT_FIFO;
    return result;
}

unsigned core_prediction(eqhdl_digits_cep_result_t r)
{
    return (r.result & EQHDL_DIGITS_CEP_RESULT_PREDICTION) >> EQHDL_DIGITS_CEP_RESULT_PREDICTION_SHIFT;
}

/* A checkpoint: with these weights, the seed and the next sample's number a training goes on, bit for bit. */
uint32_t core_save(int32_t *weights)
{
    core_open();
    for (uint32_t i = 0; i < EQHDL_DIGITS_CEP_WINDOW_WORDS; i++)
        weights[i] = (int32_t)*reg(EQHDL_DIGITS_CEP_WINDOW_BASE + 4 * i);
    return *reg(EQHDL_DIGITS_CEP_SAMPLE_NUMBER);
}

/* One weight: from pixel `column` to hidden neuron `row`. */
int32_t core_weight(uint32_t row, uint32_t column)
{
    core_open();
    return (int32_t)*reg(eqhdl_digits_cep_layer1_weight(row, column));
}
