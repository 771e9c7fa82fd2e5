// SPDX-License-Identifier: Apache-2.0
// The random sign of a sample's nudge and of its updates. Its twin is rules::is_negative.
//
// Latency: six cycles.

`default_nettype none

module sample_sign (
  input  wire        clk_i,
  input  wire [31:0] seed_i,
  input  wire [31:0] sample_number_i,
  output reg         negative_o
);

  `include "mixer.vh"

  localparam [31:0] Purpose = 32'd4;  // fixed_point::Purpose::Sign

  reg [31:0] purpose_half_q, purpose_q, sample_half_q, sample_q, half_q;
  always @(posedge clk_i) begin
    purpose_half_q <= mix_absorb_1(seed_i, Purpose);
    purpose_q <= mix_absorb_2(purpose_half_q);
    sample_half_q <= mix_absorb_1(purpose_q, sample_number_i);
    sample_q <= mix_absorb_2(sample_half_q);
    half_q <= mix_row_1(sample_q);
    negative_o <= mix_row_2(half_q) >> 31 != 32'd0;
  end

endmodule

`default_nettype wire
