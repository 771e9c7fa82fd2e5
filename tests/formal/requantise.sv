// What requantise means, against what it computes: for every input and every random word.
//
// The specification names a property that only one integer has ("at most half a unit away, and at a tie the even one";
// "congruent modulo 2^OutWidth and within range"), not a way to compute it. rq_round is held to the property of its
// mode, rq_overflow to that of its own, and the module to the composition of both.

`default_nettype none

module requantise_formal #(
  parameter InWidth = 12,
  parameter Shift = 5,
  parameter OutWidth = 6,
  parameter OutSigned = 1,
  parameter Rounding = 2,
  parameter Overflow = 1
) (
  input wire signed [InWidth-1:0] in_i,
  input wire [31:0] random_i
);

  localparam RqInWidth = InWidth;
  localparam RqShift = Shift;
  localparam RqOutWidth = OutWidth;
  localparam RqOutSigned = OutSigned;
  localparam RqRounding = Rounding;
  localparam RqOverflow = Overflow;
  `include "requantise.vh"

  wire signed [RqRoundedWidth-1:0] rounded = rq_round(in_i, random_i);
  wire [OutWidth-1:0] out;
  wire saturated;
  requantise #(
    .InWidth(InWidth), .Shift(Shift), .OutWidth(OutWidth), .OutSigned(OutSigned), .Rounding(Rounding),
    .Overflow(Overflow)
  ) u_dut (
    .in_i(in_i), .random_i(random_i), .out_o(out), .saturated_o(saturated)
  );

  // One exact number space for everything, from here on nothing of requantise.vh but its results.
  localparam Drop = (Shift < 0) ? 0 : (Shift > 62) ? 62 : Shift;
  localparam Gain = (Shift < 0) ? -Shift : 0;
  localparam Wide = InWidth + Gain + Drop + OutWidth + 4;
  wire signed [Wide-1:0] x = in_i;
  wire signed [Wide-1:0] k = rounded;
  wire signed [Wide-1:0] one = 1;
  wire signed [Wide-1:0] unit = one <<< Drop;
  wire signed [Wide-1:0] d = (k <<< Drop) - x;  // error, in units of the input's last place

  // Rounding.
  wire signed [Wide-1:0] noise =
      (Drop == 0) ? 0 : (Drop <= 32) ? (random_i >> (32 - Drop)) : ({{Wide{1'b0}}, random_i} << (Drop - 32));
  wire signed [Wide-1:0] short_of = x + noise - (k <<< Drop);
  wire signed [Wide-1:0] twice = d <<< 1;
  wire near = (twice <= unit) && (twice >= -unit);
  wire tie = (twice == unit) || (twice == -unit);
  wire up = (d > 0);
  wire away = (x < 0) ? (d < 0) : (d > 0);
  wire rounds =
      (Drop == 0)     ? (k == (x <<< Gain))
    : (Rounding == 0) ? (d <= 0 && d > -unit)
    : (Rounding == 1) ? ((x < 0) ? (d >= 0 && d < unit) : (d <= 0 && d > -unit))
    : (Rounding == 2) ? (near && (!tie || up))
    : (Rounding == 3) ? (near && (!tie || !away))
    : (Rounding == 4) ? (near && (!tie || away))
    : (Rounding == 5) ? (near && (!tie || !up))
    : (Rounding == 6) ? (near && (!tie || !k[0]))
    : (Rounding == 7) ? (near && (!tie || k[0]))
    :                   (short_of >= 0 && short_of < unit);  // floor((x + r) / 2^n)

  // Overflow.
  wire signed [Wide-1:0] v = (OutSigned != 0) ? $signed({{Wide{out[OutWidth-1]}}, out}) : $signed({{Wide{1'b0}}, out});
  wire signed [Wide-1:0] top = (one <<< (OutWidth - ((OutSigned != 0) ? 1 : 0))) - 1;
  wire signed [Wide-1:0] bottom = (OutSigned == 0) ? 0 : (Overflow == 2) ? -top : -top - 1;
  wire inside = (k >= bottom) && (k <= top);
  wire signed [Wide-1:0] turns = v - k;
  wire overflows =
      inside          ? (v == k)
    : (Overflow == 0) ? (turns[OutWidth-1:0] == 0)
    : (Overflow == 3) ? (v == 0)
    :                   (v == ((k > top) ? top : bottom));

  always @* begin
    assert (rounds);
    assert (overflows);
    assert (saturated == !inside);
  end

  // Each case of the specification is reached. RoundedWidth says whether values of this width can overflow at all.
  localparam Rounded = InWidth + Gain - Drop;
  generate
    if (Drop > 0 && Rounding >= 2 && Rounding <= 7 && Drop < InWidth) begin : gen_ties
      always @* cover (tie && x > 0);
      always @* cover (tie && x < 0);
      always @* cover (!tie && d != 0);
    end
    if (Rounded > OutWidth) begin : gen_beyond
      always @* cover (k > top);
      always @* cover (inside && k != 0);
    end
    if (Rounded > OutWidth || OutSigned == 0) begin : gen_below
      always @* cover (k < bottom);
    end
  endgenerate

endmodule

// All nine roundings with all four overflows, into signed and unsigned formats. The inputs pass registers, which start
// with anything and take anything.
module requantise_all #(
  parameter InWidth = 12,
  parameter Drop = 5,
  parameter Gain = 0,
  parameter OutWidth = 6,
  parameter Only = 0               // one mode only: 1 + 8 rounding + 2 overflow + sign
) (
  input wire clk_i,
  input wire signed [InWidth-1:0] in_i,
  input wire [31:0] random_i
);
  reg signed [InWidth-1:0] value_q;
  reg [31:0] random_q;
  always @(posedge clk_i) {value_q, random_q} <= {in_i, random_i};
  // $signed: Yosys' chparam makes parameters unsigned, and a gain would be a shift by four billion.
  genvar r, o, s;
  generate
    for (r = 0; r < 9; r = r + 1) begin : gen_rounding
      for (o = 0; o < 4; o = o + 1) begin : gen_overflow
        for (s = 0; s < 2; s = s + 1) begin : gen_signed
          if (Only == 0 || Only == 1 + 8 * r + 2 * o + s) requantise_formal #(
            .InWidth(InWidth), .Shift($signed(Drop) - $signed(Gain)), .OutWidth(OutWidth), .OutSigned(s), .Rounding(r), .Overflow(o)
          ) u_one (
            .in_i(value_q), .random_i(random_q)
          );
        end
      end
    end
  endgenerate
endmodule

`default_nettype wire
