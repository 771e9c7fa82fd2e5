// SPDX-License-Identifier: Apache-2.0
// A running signature of everything the core commits: one word per step tells whether two runs agree.
//
// Every committed neuron and weight chunk adds a mixed term to the step's sum, so the order within a step does not
// matter; the end of a step rotates the running word and folds the sum in. Cleared at the start of a sample (as late as
// step ends are, so the last step of the sample before is folded in first), so any sample can be replayed alone. The twin is src/cosim/signature.rs.
//
// A term takes four cycles, half a mix_absorb each: two for the tag, two for the value. A tag has room for ten bits of a
// chunk's number; those above turn the uppermost bits of the absorbed tag over, so that no two chunks share a key.
//
// Latency: signature_o holds a step's word when valid_o is high, twelve cycles after step_end_i. A state that comes up
// to seven cycles after step_end_i, a weight that comes up to then, belong to the step.

`default_nettype none

module signature #(
  parameter StateWidth = 10
) (
  input  wire                         clk_i,
  input  wire                         rst_ni,
  input  wire                         clear_i,
  // A neuron.
  input  wire                         state_valid_i,
  input  wire [31:0]                  state_tag_i,
  input  wire signed [StateWidth-1:0] state_i,
  // A chunk of weights.
  input  wire                         weight_valid_i,
  input  wire [31:0]                  weight_tag_i,   // layer (6 bits), chunk (its lower 10 bits), column (16)
  input  wire [5:0]                   weight_chunk_high_i,  // the chunk's bits 15:10
  input  wire [31:0]                  weight_fold_i,
  // The end of a step.
  input  wire                         step_end_i,
  output reg                          valid_o,
  output reg  [31:0]                  signature_o
);

  `include "mixer.vh"

  localparam [31:0] StateKey = 32'h5EED_57A7, WeightKey = 32'h5EED_3E16;
  localparam Delay = 11;

  reg [4:1] state_q, weight_q;  // valid, by stage
  reg [31:0] state_half1_q, state_key2_q, state_half3_q, state_term4_q, state_value1_q, state_value2_q;
  reg [31:0] weight_half1_q, weight_key2_q, weight_half3_q, weight_term4_q, weight_fold1_q, weight_fold2_q;
  reg [5:0] weight_high1_q;
  reg [31:0] sum_q;
  reg [Delay-1:0] step_q, clear_q;

  wire [31:0] state_term = state_q[4] ? state_term4_q : 32'd0;
  wire [31:0] weight_term = weight_q[4] ? weight_term4_q : 32'd0;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= 4'd0;
      weight_q <= 4'd0;
      step_q <= {Delay{1'b0}};
      clear_q <= {Delay{1'b0}};
      valid_o <= 1'b0;
      sum_q <= 32'd0;
      signature_o <= 32'd0;
    end else begin
      state_q <= {state_q[3:1], state_valid_i};
      weight_q <= {weight_q[3:1], weight_valid_i};
      step_q <= {step_q[Delay-2:0], step_end_i};
      clear_q <= {clear_q[Delay-2:0], clear_i};
      valid_o <= step_q[Delay-1];
      if (clear_q[Delay-1]) begin
        sum_q <= 32'd0;
        signature_o <= 32'd0;
      end else if (step_q[Delay-1]) begin
        sum_q <= 32'd0;
        signature_o <= {signature_o[30:0], signature_o[31]} ^ (sum_q + state_term + weight_term);
      end else begin
        sum_q <= sum_q + state_term + weight_term;
      end
    end
    if (state_valid_i) begin
      state_half1_q <= mix_absorb_1(StateKey, state_tag_i);
      state_value1_q <= {{(32-StateWidth){state_i[StateWidth-1]}}, state_i};
    end
    if (state_q[1]) begin
      state_key2_q <= mix_absorb_2(state_half1_q);
      state_value2_q <= state_value1_q;
    end
    if (state_q[2]) state_half3_q <= mix_absorb_1(state_key2_q, state_value2_q);
    if (state_q[3]) state_term4_q <= mix_absorb_2(state_half3_q);
    if (weight_valid_i) begin
      weight_half1_q <= mix_absorb_1(WeightKey, weight_tag_i);
      weight_fold1_q <= weight_fold_i;
      weight_high1_q <= weight_chunk_high_i;
    end
    if (weight_q[1]) begin
      weight_key2_q <= mix_absorb_2(weight_half1_q) ^ {weight_high1_q, 26'd0};
      weight_fold2_q <= weight_fold1_q;
    end
    if (weight_q[2]) weight_half3_q <= mix_absorb_1(weight_key2_q, weight_fold2_q);
    if (weight_q[3]) weight_term4_q <= mix_absorb_2(weight_half3_q);
  end

endmodule

`default_nettype wire
