// SPDX-License-Identifier: Apache-2.0
// Results to packets of an AXI4-Stream, four words each:
//
//   0   prediction (bits 15:0), label (bits 30:16), train (bit 31)
//   1   sample number
//   2   signature of the sample's last step
//   3   cycles the sample took
//
// A result is taken when the packet before has left; until then the core waits, so back-pressure loses nothing.
// Latency: the first word is offered one cycle after the result was taken (accept_o high).

`default_nettype none

module stream_results (
  input  wire        clk_i,
  input  wire        rst_ni,
  // Results.
  input  wire        valid_i,
  output wire        accept_o,    // taken in this cycle
  output wire        ready_o,
  input  wire [15:0] prediction_i,
  input  wire [14:0] label_i,
  input  wire        train_i,
  input  wire [31:0] number_i,
  input  wire [31:0] signature_i,
  input  wire [31:0] cycles_i,
  // Stream.
  output wire        tvalid_o,
  input  wire        tready_i,
  output wire [31:0] tdata_o,
  output wire [3:0]  tkeep_o,
  output wire        tlast_o
);

  reg [127:0] words_q;
  reg [2:0] left_q;

  assign ready_o = (left_q == 3'd0);
  assign accept_o = valid_i && ready_o;
  assign tvalid_o = (left_q != 3'd0);
  assign tdata_o = words_q[31:0];
  assign tkeep_o = 4'hF;
  assign tlast_o = (left_q == 3'd1);

  always @(posedge clk_i) begin
    if (!rst_ni) left_q <= 3'd0;
    else if (accept_o) left_q <= 3'd4;
    else if (tvalid_o && tready_i) left_q <= left_q - 3'd1;
    if (accept_o) words_q <= {cycles_i, signature_i, number_i, train_i, label_i, prediction_i};
    else if (tready_i) words_q <= {32'd0, words_q[127:32]};
  end

endmodule

`default_nettype wire
