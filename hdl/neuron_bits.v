// SPDX-License-Identifier: Apache-2.0
// The random bits of a neuron: layer absorbed into the key of the pass, then one row for each neuron. Its twin is
// fixed_point::row_bits.
//
// Latency: Cycles, three or one.

`default_nettype none

module neuron_bits #(
  parameter Cycles = 3
) (
  input  wire        clk_i,
  input  wire [31:0] key_i,
  input  wire [15:0] layer_i,
  input  wire [31:0] index_i,
  output reg  [31:0] random_o
);

  `include "mixer.vh"

  localparam [31:0] Golden = 32'h9E3779B9;

  wire [31:0] row = mix_absorb(key_i, {layer_i, 16'd0}) + index_i * Golden;
  generate
    if (Cycles == 1) begin : gen_at_once
      always @(posedge clk_i) random_o <= mix_row(row);
    end else begin : gen_in_steps
      reg [31:0] row_q, half_q;
      always @(posedge clk_i) begin
        row_q <= row;
        half_q <= mix_row_1(row_q);
        random_o <= mix_row_2(half_q);
      end
    end
  endgenerate

endmodule

`default_nettype wire
