// SPDX-License-Identifier: Apache-2.0
// Which neuron is where in the neuron units: what is known of a neuron as its drive is summed (stage 15) travels beside it
// until its new state is there.
//
// Latency: Stages. trail_o holds every stage, the present one lowest.

`default_nettype none

module neuron_trail #(
  parameter Stages = 7,
  parameter Width = 16
) (
  input  wire                        clk_i,
  input  wire                        rst_ni,
  input  wire                        valid_i,
  input  wire [Width-1:0]            data_i,
  output wire                        valid_o,
  output wire [(Stages+1)*Width-1:0] trail_o
);

  reg [Stages:1] valid_q;
  reg [Stages*Width-1:0] trail_q;
  assign valid_o = valid_q[Stages];
  assign trail_o = {trail_q, data_i};
  always @(posedge clk_i) begin
    if (!rst_ni) valid_q <= {Stages{1'b0}};
    else valid_q <= {valid_q[Stages-1:1], valid_i};
    trail_q <= trail_o[Stages*Width-1:0];
  end

endmodule

`default_nettype wire
