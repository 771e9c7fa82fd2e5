// SPDX-License-Identifier: Apache-2.0
// The prediction: the number of the largest output; the lowest one wins a tie. Its twin is the arg max at Op::Read.
//
// The last output is written up to six cycles after the operation is decoded, ranked in the two after that.
//
// Latency: prediction_o is the one of the step before read_i nine cycles after read_i.

`default_nettype none

module readout #(
  parameter ValueWidth = 10,
  parameter IndexWidth = 7,
  parameter LabelWidth = 4
) (
  input  wire                         clk_i,
  // An output neuron.
  input  wire                         valid_i,
  input  wire                         first_i,      // number 0
  input  wire [IndexWidth-1:0]        index_i,
  input  wire signed [ValueWidth-1:0] value_i,
  input  wire                         read_i,
  output reg  [LabelWidth-1:0]        prediction_o
);

  reg valid_q, first_q;
  reg signed [ValueWidth-1:0] value_q, best_q;
  reg [IndexWidth-1:0] index_q, best_index_q;
  reg [8:1] read_q;
  // Hidden layers may have larger numbers than there are labels, or fewer.
  localparam WideWidth = LabelWidth + IndexWidth;
  /* verilator lint_off UNUSED */
  wire [WideWidth-1:0] best_index = { {LabelWidth{1'b0}}, best_index_q};
  /* verilator lint_on UNUSED */
  always @(posedge clk_i) begin
    valid_q <= valid_i;
    first_q <= first_i;
    index_q <= index_i;
    value_q <= value_i;
    if (valid_q && (first_q || value_q > best_q)) begin
      best_q <= value_q;
      best_index_q <= index_q;
    end
    read_q <= {read_q[7:1], read_i};
    if (read_q[8]) prediction_o <= best_index[LabelWidth-1:0];
  end

endmodule

`default_nettype wire
