// SPDX-License-Identifier: Apache-2.0
// What the core has committed, for whoever listens: words of states beside post_memory's, words of weights two cycles
// after they are written (the first ones of a pass behind the end of the step before), and the running signature.
//
// Latency: states one cycle, weights two, the signature as hdl/signature.v says.

`default_nettype none

module commit_port #(
  parameter StateWidth = 10,
  parameter DataWidth = 256        // of a word of weights, both ways
) (
  input  wire                         clk_i,
  input  wire                         rst_ni,
  // A neuron.
  input  wire                         state_valid_i,
  input  wire [7:0]                   state_layer_i,
  input  wire [15:0]                  state_index_i,
  input  wire [15:0]                  state_word_i,
  input  wire signed [StateWidth-1:0] state_i,
  // A word of weights.
  input  wire                         weight_valid_i,
  input  wire [7:0]                   weight_layer_i,
  input  wire [15:0]                  weight_chunk_i,
  input  wire [15:0]                  weight_column_i,
  input  wire [DataWidth-1:0]         weight_data_i,
  input  wire [31:0]                  weight_fold_i,
  input  wire                         sample_start_i,
  input  wire                         step_end_i,
  output reg  [7:0]                   state_layer_o,
  output reg  [15:0]                  state_word_o,
  output wire                         weight_valid_o,
  output wire [7:0]                   weight_layer_o,
  output wire [15:0]                  weight_chunk_o,
  output wire [15:0]                  weight_column_o,
  output wire [DataWidth-1:0]         weight_data_o,
  output wire                         step_valid_o,
  output wire [31:0]                  signature_o
);

  localparam Width = 1 + 8 + 16 + 16 + DataWidth;
  reg [Width-1:0] weight1_q, weight2_q;
  always @(posedge clk_i) begin
    state_layer_o <= state_layer_i;
    state_word_o <= state_word_i;
    weight1_q <= {rst_ni && weight_valid_i, weight_layer_i, weight_chunk_i, weight_column_i, weight_data_i};
    weight2_q <= weight1_q;
  end
  assign {weight_valid_o, weight_layer_o, weight_chunk_o, weight_column_o, weight_data_o} = weight2_q;

  signature #(.StateWidth(StateWidth)) u_signature (
    .clk_i(clk_i), .rst_ni(rst_ni), .clear_i(sample_start_i),
    .state_valid_i(state_valid_i), .state_tag_i({state_layer_i[5:0], 10'd0, state_index_i}), .state_i(state_i),
    .weight_valid_i(weight_valid_i), .weight_tag_i({weight_layer_i[5:0], weight_chunk_i[9:0], weight_column_i}),
    .weight_chunk_high_i(weight_chunk_i[15:10]), .weight_fold_i(weight_fold_i),
    .step_end_i(step_end_i), .valid_o(step_valid_o), .signature_o(signature_o)
  );

endmodule

`default_nettype wire
