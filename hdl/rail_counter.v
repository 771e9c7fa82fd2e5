// SPDX-License-Identifier: Apache-2.0
// Counts what the commit port shows at the ends of its number format, where saturation ends: states at the least and at
// the greatest value, weights at either. Twin: src/bus/rails.rs.
//
// A weight counts in every update that leaves it there. Lanes without a neuron are masked out. Counters wrap.
//
// Ways      weight words of a chunk: 1, or 2 where the way back has its own
// Latency   3 cycles from the commit to the counter

`default_nettype none

module rail_counter #(
  parameter Lanes = 16,
  parameter Ways = 1,
  parameter StoredWidth = 16,
  parameter StateWidth = 10
) (
  input  wire                              clk_i,
  input  wire                              rst_ni,
  input  wire                              clear_i,
  // A neuron's new state.
  input  wire                              state_valid_i,
  input  wire signed [StateWidth-1:0]      state_i,
  input  wire signed [StateWidth-1:0]      state_least_i,
  input  wire signed [StateWidth-1:0]      state_greatest_i,
  // A chunk of weights.
  input  wire                              weight_valid_i,
  input  wire [Ways*Lanes*StoredWidth-1:0] weight_i,
  input  wire [Ways*Lanes-1:0]             weight_mask_i,
  input  wire [StoredWidth-1:0]            weight_least_i,
  input  wire [StoredWidth-1:0]            weight_greatest_i,
  output reg  [31:0]                       states_least_o,
  output reg  [31:0]                       states_greatest_o,
  output reg  [31:0]                       weights_o
);

  reg least1_q, greatest1_q, least2_q, greatest2_q;
  reg [Ways*Lanes-1:0] rail1_q;
  reg [15:0] sum, sum2_q;
  integer p;

  // Ones in a word.
  always @* begin
    sum = 16'd0;
    for (p = 0; p < Ways * Lanes; p = p + 1) sum = sum + {15'd0, rail1_q[p]};
  end

  genvar g;
  wire [Ways*Lanes-1:0] rail;
  generate
    for (g = 0; g < Ways * Lanes; g = g + 1) begin : gen_lane
      wire [StoredWidth-1:0] weight = weight_i[g*StoredWidth+:StoredWidth];
      assign rail[g] = weight_mask_i[g] && (weight == weight_least_i || weight == weight_greatest_i);
    end
  endgenerate

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      least1_q <= 1'b0;
      greatest1_q <= 1'b0;
      least2_q <= 1'b0;
      greatest2_q <= 1'b0;
      rail1_q <= {Ways*Lanes{1'b0}};
      sum2_q <= 16'd0;
    end else begin
      least1_q <= state_valid_i && (state_i == state_least_i);
      greatest1_q <= state_valid_i && (state_i == state_greatest_i);
      least2_q <= least1_q;
      greatest2_q <= greatest1_q;
      rail1_q <= weight_valid_i ? rail : {Ways*Lanes{1'b0}};
      sum2_q <= sum;
    end
    if (!rst_ni || clear_i) begin
      states_least_o <= 32'd0;
      states_greatest_o <= 32'd0;
      weights_o <= 32'd0;
    end else begin
      if (least2_q) states_least_o <= states_least_o + 32'd1;
      if (greatest2_q) states_greatest_o <= states_greatest_o + 32'd1;
      weights_o <= weights_o + {16'd0, sum2_q};
    end
  end

endmodule

`default_nettype wire
