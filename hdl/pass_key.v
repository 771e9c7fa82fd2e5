// SPDX-License-Identifier: Apache-2.0
// The key of a pass's random bits for one purpose: seed, purpose, sample and step absorbed one after the other, half a
// mix_absorb a cycle. Its twin is fixed_point::step_key.
//
// Latency: six cycles after hold_i has gone low and the inputs are what they will be; held while hold_i is high.

`default_nettype none

module pass_key #(
  parameter [31:0] Purpose = 32'd1  // fixed_point::Purpose
) (
  input  wire        clk_i,
  input  wire [31:0] seed_i,
  input  wire [31:0] sample_number_i,
  input  wire [31:0] step_i,
  input  wire        hold_i,         // the pass has begun
  output reg  [31:0] key_o
);

  `include "mixer.vh"

  reg [31:0] purpose_half_q, purpose_q, sample_half_q, sample_q, key_half_q;
  always @(posedge clk_i) begin
    if (!hold_i) begin
      purpose_half_q <= mix_absorb_1(seed_i, Purpose);
      purpose_q <= mix_absorb_2(purpose_half_q);
      sample_half_q <= mix_absorb_1(purpose_q, sample_number_i);
      sample_q <= mix_absorb_2(sample_half_q);
      key_half_q <= mix_absorb_1(sample_q, step_i);
      key_o <= mix_absorb_2(key_half_q);
    end
  end

endmodule

`default_nettype wire
