// SPDX-License-Identifier: Apache-2.0
// Absorb one word into the key of the random bits; once per column. The meaning stands in mixer.vh.
//
// Width: 32 bits throughout.  Latency: one cycle, a new word every cycle.  No reset: the key is as good as its inputs.
// Cost (synth_ecp5): 47 LUT4, 51 CCU2C (four adders), 32 flip-flops.

`default_nettype none

module mixer (
  input  wire        clk_i,
  input  wire [31:0] key_i,   // the key so far
  input  wire [31:0] word_i,  // what to absorb: a column, a neuron, a step
  output reg  [31:0] key_o
);

  `include "mixer.vh"

  always @(posedge clk_i) key_o <= mix_absorb(key_i, word_i);

endmodule

`default_nettype wire
