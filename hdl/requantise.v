// SPDX-License-Identifier: Apache-2.0
// Requantise one value: align, then round, then overflow.
//
// The only operation of the datapath that loses bits; the meaning, the cost and the codes of the modes stand in
// requantise.vh, which loops over lanes include instead of this module.
//
// Width: InWidth (1 to 62) signed bits in, OutWidth (1 to 32) bits out.  Latency: none (combinational).

`default_nettype none

module requantise #(
  parameter InWidth   = 32,  // bits of in_i, signed
  parameter Shift     = 12,  // bits dropped; negative: bits gained
  parameter OutWidth  = 16,  // bits of out_o
  parameter OutSigned = 1,   // 1: out_o is two's complement
  parameter Rounding  = 2,   // RND
  parameter Overflow  = 1    // SAT
) (
  input  wire signed [InWidth-1:0]  in_i,
  input  wire        [31:0]         random_i,    // uniform bits, used by STOCHASTIC only
  output wire        [OutWidth-1:0] out_o,
  output wire                       saturated_o  // overflow changed the value
);

  localparam RqInWidth = InWidth;
  localparam RqShift = Shift;
  localparam RqOutWidth = OutWidth;
  localparam RqOutSigned = OutSigned;
  localparam RqRounding = Rounding;
  localparam RqOverflow = Overflow;
  `include "requantise.vh"

  wire signed [RqRoundedWidth-1:0] rounded = rq_round(in_i, random_i);

  assign out_o = rq_overflow(rounded);
  assign saturated_o = rq_overflows(rounded);

endmodule

`default_nettype wire
