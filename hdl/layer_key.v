// SPDX-License-Identifier: Apache-2.0
// A key that has absorbed the number of a layer, for the random bits of kernels: the number of a tap may need all bits
// beside it. Twin: fixed_point::absorb.
//
// Latency: two cycles, stage 0 to stage 2.

`default_nettype none

module layer_key (
  input  wire        clk_i,
  input  wire [31:0] key_i,         // of the pass
  input  wire [15:0] layer0_i,
  output reg  [31:0] key2_o
);

  `include "mixer.vh"

  reg [31:0] half1_q;
  always @(posedge clk_i) begin
    half1_q <= mix_absorb_1(key_i, {16'd0, layer0_i});
    key2_o <= mix_absorb_2(half1_q);
  end

endmodule

`default_nettype wire
