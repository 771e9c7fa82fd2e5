// SPDX-License-Identifier: Apache-2.0
// The key of a column's random bits, and the offset of a chunk's first row: what the lanes make the random bits of a
// weight of. Twins: fixed_point::absorb and fixed_point::lane_bits.
//
// The offset is the chunk times a constant, modulo 2^32, in two products with half a word each.
//
// Latency: two cycles, stage 2 to stage 4.

`default_nettype none

module column_key #(
  parameter [31:0] ChunkGolden = 32'hC6EF3720  // rows of a chunk's pairs times the golden ratio
) (
  input  wire        clk_i,
  input  wire        valid2_i,
  input  wire [31:0] key_i,         // of the pass
  input  wire [15:0] layer2_i,
  input  wire [15:0] column2_i,
  input  wire [31:0] chunk2_i,
  output reg  [31:0] column_key4_o,
  output reg  [31:0] chunk_key4_o
);

  `include "mixer.vh"

  reg [31:0] column_half3_q;
  /* verilator lint_off UNUSED */
  reg [31:0] chunk_low3_q, chunk_high3_q;
  /* verilator lint_on UNUSED */
  always @(posedge clk_i) begin
    column_half3_q <= mix_absorb_1(key_i, {layer2_i, column2_i});
    column_key4_o <= mix_absorb_2(column_half3_q);
    if (valid2_i) begin
      chunk_low3_q <= chunk2_i * {16'd0, ChunkGolden[15:0]};
      chunk_high3_q <= chunk2_i * {16'd0, ChunkGolden[31:16]};
    end
    chunk_key4_o <= chunk_low3_q + {chunk_high3_q[15:0], 16'd0};
  end

endmodule

`default_nettype wire
