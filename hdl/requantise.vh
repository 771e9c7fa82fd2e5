// SPDX-License-Identifier: Apache-2.0
// Requantise: align, then round, then overflow. The twin of fixed_point::Requantise (src/fixed_point/requantise.rs),
// equal to the last bit. To be included in a module body or in a named generate block (one inclusion per block), so
// that a loop over lanes in one clocked block can call it.
//
// The including scope defines, as localparams or parameters:
//   RqInWidth    width of the signed value that comes in, 1 to 62
//   RqShift      bits dropped by the alignment, at least -32; negative: bits gained (exact)
//   RqOutWidth   width of the result, 1 to 32
//   RqOutSigned  1: the result is two's complement, 0: it is non-negative
//   RqRounding   one of the Rq<rounding> codes below
//   RqOverflow   one of the Rq<overflow> codes below
//
// and calls
//   rq_overflow(rq_round(value, random))   the whole operation, RqOutWidth bits
//   rq_overflows(rq_round(value, random))  1 where overflow changed the value (for WRAP too)
//
// A function call in a loop is Verilator's fastest form while RqInWidth is at most 31: the sum then fits 32 bits.
//
// Combinational. Rounding costs one adder of about RqInWidth bits (none for TRN), overflow the comparison of the upper
// bits and one multiplexer of RqOutWidth bits. A mode is a constant, so the others leave nothing behind.

// Codes: the order of the Rust enumerations. Which codes and intermediates are used depends on the mode, hence the
// pragmas: the parts of a word that a mode has no use for are the point of it.
/* verilator lint_off UNUSEDPARAM */
localparam RqTrn = 0;         // towards minus infinity: the bits are dropped
localparam RqTrnZero = 1;     // towards zero
localparam RqRnd = 2;         // to nearest, ties towards plus infinity
localparam RqRndZero = 3;     // to nearest, ties towards zero
localparam RqRndInf = 4;      // to nearest, ties away from zero
localparam RqRndMinInf = 5;   // to nearest, ties towards minus infinity
localparam RqRndConv = 6;     // to nearest, ties to even
localparam RqRndConvOdd = 7;  // to nearest, ties to odd
localparam RqStochastic = 8;  // adds random bits below the target, then drops them

localparam RqWrap = 0;        // the upper bits are dropped
localparam RqSat = 1;         // to the nearest bound
localparam RqSatSym = 2;      // to the nearest bound of the symmetric range
localparam RqSatZero = 3;     // to zero

// Bits dropped, and bits gained. A value of at most 62 bits is below every half from 62 dropped bits on.
localparam RqDrop = (RqShift < 0) ? 0 : (RqShift > 62) ? 62 : RqShift;
localparam RqGain = (RqShift < 0) ? -RqShift : 0;
localparam RqRounds = (RqDrop > 0) ? 1 : 0;

// Width of the sum (value + addend): one bit more than the value, since rounding may carry. Rounded values are its
// bits from RqDrop on.
localparam RqSumWidth = (RqInWidth > RqDrop) ? RqInWidth + RqGain + 1 : RqDrop + 2;
localparam RqRoundedWidth = (RqRounds != 0) ? RqSumWidth - RqDrop : RqSumWidth - 1;

// Every mode is an addend below the target, followed by truncation. The addend is one of two constants: half a unit
// rounds ties up, the value just below half rounds ties down, and a bit of the value (sign or parity) chooses.
localparam [RqSumWidth-1:0] RqNone = {RqSumWidth{1'b0}};
localparam [RqSumWidth-1:0] RqUlp = {{(RqSumWidth-1){1'b0}}, 1'b1} << RqDrop;
localparam [RqSumWidth-1:0] RqHalf = RqUlp >> 1;
localparam [RqSumWidth-1:0] RqBelowHalf = (RqRounds != 0) ? RqHalf - {{(RqSumWidth-1){1'b0}}, 1'b1} : RqNone;
localparam [RqSumWidth-1:0] RqBelowUlp = RqUlp - {{(RqSumWidth-1){1'b0}}, 1'b1};
localparam [RqSumWidth-1:0] RqAddendSet =
    (RqRounding == RqTrnZero) ? RqBelowUlp
  : (RqRounding == RqRnd || RqRounding == RqRndZero || RqRounding == RqRndConv) ? RqHalf
  : (RqRounding == RqRndInf || RqRounding == RqRndMinInf || RqRounding == RqRndConvOdd) ? RqBelowHalf
  : RqNone;
localparam [RqSumWidth-1:0] RqAddendClear =
    (RqRounding == RqRnd || RqRounding == RqRndInf || RqRounding == RqRndConvOdd) ? RqHalf
  : (RqRounding == RqRndZero || RqRounding == RqRndMinInf || RqRounding == RqRndConv) ? RqBelowHalf
  : RqNone;
localparam RqByParity = (RqRounding == RqRndConv || RqRounding == RqRndConvOdd) ? 1 : 0;

// STOCHASTIC uses the top RqDrop bits of the random word; beyond 32 the lower ones are zero.
localparam RqRandomBits = (RqDrop < 1) ? 1 : (RqDrop > 32) ? 32 : RqDrop;
localparam RqRandomUp = (RqDrop > 32) ? RqDrop - 32 : 0;
localparam RqIsStochastic = (RqRounding == RqStochastic && RqRounds != 0) ? 1 : 0;

// Bounds of the target. RqExtWidth has room for the rounded value and for one bit above the target.
localparam RqExtWidth = (RqRoundedWidth > RqOutWidth) ? RqRoundedWidth : RqOutWidth + 1;
localparam [RqOutWidth-1:0] RqMax = (RqOutSigned != 0) ? {RqOutWidth{1'b1}} >> 1 : {RqOutWidth{1'b1}};
localparam [RqOutWidth-1:0] RqMin = (RqOutSigned != 0) ? ~RqMax : {RqOutWidth{1'b0}};
localparam RqIsSymmetric = (RqOverflow == RqSatSym && RqOutSigned != 0) ? 1 : 0;
localparam [RqOutWidth-1:0] RqLow = (RqIsSymmetric != 0) ? (RqMax ^ {RqOutWidth{1'b1}}) + 1'b1 : RqMin;
/* verilator lint_on UNUSEDPARAM */

/* verilator lint_off UNUSEDSIGNAL */
// Align and round. No bit of the result is lost.
function automatic signed [RqRoundedWidth-1:0] rq_round;
  input signed [RqInWidth-1:0] value;
  input [31:0] random;
  reg [RqSumWidth-1:0] aligned;
  reg chosen;
  reg [RqSumWidth-1:0] addend;
  reg [RqSumWidth-1:0] sum;
  begin
    aligned = {{(RqSumWidth-RqInWidth){value[RqInWidth-1]}}, value} << RqGain;
    chosen = (RqByParity != 0) ? aligned[RqDrop] : value[RqInWidth-1];
    if (RqIsStochastic != 0)
      addend = {{(RqSumWidth-RqRandomBits){1'b0}}, random[31-:RqRandomBits]} << RqRandomUp;
    else
      addend = chosen ? RqAddendSet : RqAddendClear;
    sum = aligned + addend;
    rq_round = sum[RqDrop+:RqRoundedWidth];
  end
endfunction

// Where the rounded value is beyond the target's range (of the symmetric range for SAT_SYM).
function automatic rq_overflows;
  input signed [RqRoundedWidth-1:0] rounded;
  reg sign;
  reg [RqExtWidth:0] padded;
  begin
    sign = rounded[RqRoundedWidth-1];
    padded = {{(RqExtWidth-RqRoundedWidth+1){sign}}, rounded};
    if (RqOutSigned != 0)
      rq_overflows = (padded[RqExtWidth-1:RqOutWidth-1] != {(RqExtWidth-RqOutWidth+1){sign}})
                   || ((RqIsSymmetric != 0) && (padded[RqOutWidth-1:0] == RqMin));
    else
      rq_overflows = |padded[RqExtWidth-1:RqOutWidth];
  end
endfunction

// Bring the rounded value into the target's range.
function automatic [RqOutWidth-1:0] rq_overflow;
  input signed [RqRoundedWidth-1:0] rounded;
  reg sign;
  reg [RqExtWidth:0] padded;
  reg [RqOutWidth-1:0] bound;
  begin
    sign = rounded[RqRoundedWidth-1];
    padded = {{(RqExtWidth-RqRoundedWidth+1){sign}}, rounded};
    bound = (RqOverflow == RqSatZero) ? {RqOutWidth{1'b0}} : sign ? RqLow : RqMax;
    rq_overflow = (RqOverflow != RqWrap && rq_overflows(rounded)) ? bound : padded[RqOutWidth-1:0];
  end
endfunction
/* verilator lint_on UNUSEDSIGNAL */
