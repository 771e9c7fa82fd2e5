// requantise.vh included twice in one module, and called from loops over lanes: how larger modules use it.

`default_nettype none

module requantise_twice #(
  parameter Lanes = 4
) (
  input  wire               clk_i,
  input  wire signed [31:0] in_i,
  input  wire        [31:0] random_i,
  output wire        [7:0]  first_o,
  output wire        [3:0]  second_o
);

  generate
    if (1) begin : g_first
      localparam RqInWidth = 32;
      localparam RqShift = 9;
      localparam RqOutWidth = 8;
      localparam RqOutSigned = 1;
      localparam RqRounding = 2;
      localparam RqOverflow = 1;
      `include "requantise.vh"
      (* mem2reg *) reg [7:0] lane [0:Lanes-1];
      integer i;
      always @(posedge clk_i) begin
        for (i = 0; i < Lanes; i = i + 1) lane[i] <= rq_overflow(rq_round(in_i ^ i, random_i));
      end
    end
    if (1) begin : g_second
      localparam RqInWidth = 32;
      localparam RqShift = 20;
      localparam RqOutWidth = 4;
      localparam RqOutSigned = 0;
      localparam RqRounding = 8;
      localparam RqOverflow = 2;
      `include "requantise.vh"
      (* mem2reg *) reg [3:0] lane [0:Lanes-1];
      integer i;
      always @(posedge clk_i) begin
        for (i = 0; i < Lanes; i = i + 1) lane[i] <= rq_overflow(rq_round(in_i ^ i, random_i));
      end
    end
  endgenerate

  assign first_o = g_first.lane[0] ^ g_first.lane[Lanes-1];
  assign second_o = g_second.lane[0] ^ g_second.lane[Lanes-1];

endmodule

`default_nettype wire
