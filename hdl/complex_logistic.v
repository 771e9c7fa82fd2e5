// SPDX-License-Identifier: Apache-2.0
// The logistic activation of a complex drive, sigma(4z - 2) with z = x + iy. One neuron per cycle.
//
//   stage 1  t = 4|y|, |y| no more than 1/2                 as an index; whether 4x - 2 >= 0
//   stage 3  q = exp(-|4x - 2|), cos t, sin t               two tables, F fraction bits
//   stage 4  q^2, q cos t, q sin t                          exact
//   stage 5  D = 1 + q^2 + 2 q cos t                        exact; a = 1 - q^2, b = q sin t, rounded to F fraction bits
//   stage 7  r = 1 / D                                      table over the f + 3 upper bits of D
//   stage 8  a r, b r                                       exact
//   stage 9  real = 1/2 +- a r / 2, imaginary = +- b r      exact, on the grid 2^-(2F + 1)
//
// F = f + 5, with f the fraction bits of the state; D is from 0.82 to 4, and as an index below 4. Both parts are from -2
// to 2. The signs come last: a conjugate drive has the conjugate state.
//
// Latency: nine cycles, at most one product or one sum and a rounding each. The twin is
// src/fixed_point/complex_logistic.rs, where the error is bounded.

`default_nettype none

module complex_logistic #(
  parameter DriveWidth = 10,            // signed
  parameter DriveFrac = 7,              // 1 to DriveWidth
  parameter StateFrac = 8,              // f
  parameter ExponentialFile = "none",   // q of every x: F + 1 bits
  parameter TrigonometricFile = "none", // {cos t, sin t} of every |y| below 1: F + 2 bits, signed, and F + 1 bits
  parameter ReciprocalFile = "none"     // 1 / D in the middle of every step: F + 1 bits
) (
  input  wire                            clk_i,
  input  wire signed [DriveWidth-1:0]    real_i,
  input  wire signed [DriveWidth-1:0]    imaginary_i,
  // 2F + 3 bits, 2F + 1 of them fraction.
  output reg  signed [2*StateFrac+12:0]  real_o,
  output reg  signed [2*StateFrac+12:0]  imaginary_o,
  output wire                            saturated_o   // |y| was more than 1/2
);

  localparam Inner = StateFrac + 5;
  localparam SquareWidth = 2 * Inner + 1;    // from 0 to 1, 2F fraction bits
  localparam DenominatorWidth = SquareWidth + 2;
  localparam IndexWidth = StateFrac + 3;
  localparam OutWidth = 2 * Inner + 3;

  // 1/2 as a raw drive; formats with all their bits in the fraction end just below it.
  localparam signed [DriveWidth:0] Half = 1 << (DriveFrac - 1);

  // Stage 1.
  wire signed [DriveWidth:0] x = {real_i[DriveWidth-1], real_i};
  wire signed [DriveWidth:0] y = {imaginary_i[DriveWidth-1], imaginary_i};
  wire signed [DriveWidth:0] y_turned = -y;
  wire beyond = (y > Half) || (y_turned > Half);
  reg [DriveWidth-1:0] x_q;
  reg [DriveFrac-1:0] y_q;
  always @(posedge clk_i) begin
    x_q <= real_i;
    y_q <= beyond ? Half[DriveFrac-1:0] : y[DriveWidth] ? y_turned[DriveFrac-1:0] : y[DriveFrac-1:0];
  end

  // Signs and the flag, of stages 1 (lowest) to 8 and 9.
  reg [7:0] below_q;
  reg [7:0] negative_q;
  reg [8:0] saturated_q;
  always @(posedge clk_i) begin
    below_q <= {below_q[6:0], x < Half};
    negative_q <= {negative_q[6:0], y[DriveWidth]};
    saturated_q <= {saturated_q[7:0], beyond};
  end
  assign saturated_o = saturated_q[8];

  // Stages 2 and 3.
  wire [Inner:0] q2;
  wire [2*Inner+2:0] turned2;
  reg [Inner:0] q3_q;
  reg signed [Inner+1:0] cos3_q;
  reg [Inner:0] sin3_q;
  function_table #(.InWidth(DriveWidth), .OutWidth(Inner + 1), .File(ExponentialFile)) u_exponential (
    .clk_i(clk_i), .value_i(x_q), .result_o(q2)
  );
  function_table #(.InWidth(DriveFrac), .OutWidth(2 * Inner + 3), .File(TrigonometricFile)) u_trigonometric (
    .clk_i(clk_i), .value_i(y_q), .result_o(turned2)
  );
  always @(posedge clk_i) begin
    q3_q <= q2;
    cos3_q <= turned2[2*Inner+2:Inner+1];
    sin3_q <= turned2[Inner:0];
  end

  // Stage 4. Products are taken at their whole width and are never longer than what keeps them.
  wire signed [Inner+1:0] q3 = {1'b0, q3_q};
  reg [SquareWidth-1:0] square4_q;
  reg signed [SquareWidth:0] cos4_q;
  reg [SquareWidth-1:0] sin4_q;
  always @(posedge clk_i) begin
    square4_q <= {{Inner{1'b0}}, q3_q} * {{Inner{1'b0}}, q3_q};
    cos4_q <= $signed({{Inner{1'b0}}, q3}) * $signed({{Inner{cos3_q[Inner+1]}}, cos3_q});
    sin4_q <= {{Inner{1'b0}}, q3_q} * {{Inner{1'b0}}, sin3_q};
  end

  // Stage 5. 1 + q^2 is no sum: below q = 1 it is one more bit.
  localparam [SquareWidth-1:0] One = {1'b1, {2*Inner{1'b0}}};
  localparam [SquareWidth-1:0] HalfStep = {{Inner+1{1'b0}}, 1'b1, {Inner-1{1'b0}}};
  wire [DenominatorWidth-1:0] one_and_square =
      {1'b0, square4_q[2*Inner], !square4_q[2*Inner], square4_q[2*Inner-1:0]};
  // What is rounded away.
  /* verilator lint_off UNUSED */
  wire [SquareWidth-1:0] a4 = (One | HalfStep) - square4_q;
  wire [SquareWidth-1:0] b4 = sin4_q + HalfStep;
  /* verilator lint_on UNUSED */
  reg [DenominatorWidth-1:0] denominator5_q;
  reg [Inner:0] a5_q, a6_q, a7_q;
  reg [Inner:0] b5_q, b6_q, b7_q;
  always @(posedge clk_i) begin
    denominator5_q <= one_and_square + {cos4_q, 1'b0};
    a5_q <= a4[2*Inner:Inner];
    b5_q <= b4[2*Inner:Inner];
    {a7_q, a6_q} <= {a6_q, a5_q};
    {b7_q, b6_q} <= {b6_q, b5_q};
  end

  // Stages 6 and 7. Only D = 4 has the uppermost bit, and a = 0 with it.
  wire [IndexWidth-1:0] index5 =
      denominator5_q[DenominatorWidth-2-:IndexWidth] | {IndexWidth{denominator5_q[DenominatorWidth-1]}};
  wire [Inner:0] r6;
  reg [Inner:0] r7_q;
  function_table #(.InWidth(IndexWidth), .OutWidth(Inner + 1), .File(ReciprocalFile)) u_reciprocal (
    .clk_i(clk_i), .value_i(index5), .result_o(r6)
  );
  always @(posedge clk_i) r7_q <= r6;

  // Stage 8.
  reg [2*Inner+1:0] a8_q;
  reg [2*Inner+1:0] b8_q;
  always @(posedge clk_i) begin
    a8_q <= {{Inner+1{1'b0}}, a7_q} * {{Inner+1{1'b0}}, r7_q};
    b8_q <= {{Inner+1{1'b0}}, b7_q} * {{Inner+1{1'b0}}, r7_q};
  end

  // Stage 9. On this grid a r / 2 is the product's integer, b r twice its own.
  localparam signed [OutWidth-1:0] Middle = {3'b001, {2*Inner{1'b0}}};
  wire signed [OutWidth-1:0] a8 = {1'b0, a8_q};
  wire signed [OutWidth-1:0] b8 = {b8_q, 1'b0};
  always @(posedge clk_i) begin
    real_o <= below_q[7] ? Middle - a8 : Middle + a8;
    imaginary_o <= negative_q[7] ? -b8 : b8;
  end

endmodule

`default_nettype wire
