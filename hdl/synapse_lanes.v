// The synapses: P lanes that use one weight word per cycle three times.
//
//   stage 4  post-synaptic activities of the chunk (loaded on the first column), pre-synaptic operands
//   stage 5  contrast                                   a - b, where a = post_a pre_a, b = post_b pre_b
//   stage 6  rate x contrast; the weight word arrives from memory
//   stage 7  the updated weight                         w' = overflow(w + round(rate (a - b)))
//   stage 8  w' leaves to memory; forward products      w' pre, transposed products w' post
//   stage 9  forward accumulators, one per lane; partial sums of the transposed products
//   stage 10 transposed sum; after the last column the accumulators move to the drive chain
//   stage 11 head of the drive chain: the drives of the chunk's neurons, one per cycle
//
// Where the way back has weights of its own, a second weight word goes along: it learns beside the first, from the same
// random bits, and makes the transposed products. Its update is that of the forward weights (Kolen-Pollack), or
// post_b (pre_a - pre_b) beside (post_a - post_b) pre_b (vector field).
//
// A stage number is the cycle, counted from the sequencer's issue, in which a register's new value is visible. Frozen
// passes take the same way with w' = w. The twin is the synapse loop of src/reference/golden.rs.
//
// Lane arithmetic is written as loops over arrays of machine words (32 bits, 64 where the proven width asks for it),
// with blocking assignments in reverse order of the pipeline: a simulator then keeps them as vector loops (about ten
// times faster than one instance per lane), and synthesis trims the sign copies. Arrays are read in this block only;
// whatever leaves it is assigned non-blocking. Inside, lanes are held even ones first, then odd ones: entry p is lane
// 2p, entry Half + p lane 2p + 1. So a pair of weights, which shares one word of random bits and one piece of the
// memory word, lies at the same place of two runs.

`default_nettype none

module synapse_lanes #(
  parameter Lanes = 16,
  parameter StoredWidth = 16,      // one weight in memory
  parameter DroppedBits = 0,       // low bits of it that the multipliers do not see
  parameter ActivityWidth = 10,
  parameter PreWidth = 10,         // pre-synaptic operand of the forward lanes, aligned
  parameter RateWidth = 16,
  parameter GradientWidth = 31,    // rate x contrast
  parameter ForwardWidth = 32,     // one forward accumulator
  parameter TransposedWidth = 32,  // one transposed sum
  parameter Feedback = 0,          // weights on the way back: 0 the same, 1 vector field, 2 Kolen-Pollack
  parameter Decay = 0,             // weight decay, on the grid of rate x contrast
  parameter UpdateShift = 16,
  parameter WeightRounding = 2,
  parameter WeightOverflow = 1,
  parameter UniformWidth = 1       // all weights and biases are StoredWidth bits wide
) (
  input  wire                               clk_i,
  // Control, valid in stage 3.
  input  wire                               valid3_i,
  input  wire                               first3_i,   // first column of a chunk
  input  wire                               last3_i,    // last column of a chunk
  input  wire                               learn3_i,
  input  wire                               drive3_i,   // accumulate
  input  wire                               back3_i,    // the column has weights on the way back
  input  wire                               clear_a3_i, // slot a holds the reset state
  input  wire                               clear_b3_i,
  // Post-synaptic activities, stage 3.
  input  wire [Lanes*ActivityWidth-1:0]     post_a3_i,
  input  wire [Lanes*ActivityWidth-1:0]     post_b3_i,
  input  wire signed [ActivityWidth-1:0]    reset_activity3_i,
  // Operands of the column, stage 4.
  input  wire signed [ActivityWidth-1:0]    pre_a4_i,
  input  wire signed [ActivityWidth-1:0]    pre_b4_i,
  input  wire signed [PreWidth-1:0]         pre_forward4_i,
  input  wire signed [RateWidth-1:0]        rate5_i,
  input  wire [31:0]                        column_key5_i, // random bits: key of the column, plus the chunk's offset
  input  wire [5:0]                         width6_i,      // width of the weights of this layer (non-uniform designs)
  // Weight memory.
  input  wire [Lanes*StoredWidth-1:0]       weights5_i,
  output reg                                write8_o,
  output reg  [Lanes*StoredWidth-1:0]       write_data8_o,
  input  wire [Lanes*StoredWidth-1:0]       back5_i,    // the way back
  output reg                                write_back8_o,
  output reg  [Lanes*StoredWidth-1:0]       write_back_data8_o,
  output reg  [31:0]                        write_fold8_o, // exclusive-or of the rotated lanes, for the signature
  // Sums.
  output reg  signed [TransposedWidth-1:0]  transposed10_o,
  output reg  signed [ForwardWidth-1:0]     chain_head_o,
  input  wire                               chain_shift_i
);

  localparam RqInWidth = GradientWidth;
  localparam RqShift = UpdateShift;
  localparam RqOutWidth = StoredWidth;
  localparam RqOutSigned = 1;
  localparam RqRounding = WeightRounding;
  localparam RqOverflow = WeightOverflow;
  `include "requantise.vh"
  `include "mixer.vh"

  // Machine words.
  localparam Product = 2 * ActivityWidth + 1;
  localparam ContrastWord = (Product <= 32) ? 32 : 64;
  localparam GradientWord = (GradientWidth <= 32) ? 32 : 64;
  localparam ForwardWord = (ForwardWidth <= 32) ? 32 : 64;
  localparam TransposedWord = (TransposedWidth <= 32) ? 32 : 64;
  // w + increment: one bit more than either.
  localparam SumWidth = ((RqRoundedWidth > StoredWidth) ? RqRoundedWidth : StoredWidth) + 1;
  localparam SumWord = (SumWidth <= 32) ? 32 : 64;
  localparam Half = Lanes / 2;
  localparam Groups = (Lanes < 8) ? Lanes : 8;
  localparam FoldPairs = (Half < 8) ? Half : 8;
  localparam [31:0] Golden = 32'h9E3779B9;
  localparam [StoredWidth-1:0] Largest = {StoredWidth{1'b1}} >> 1;
  localparam [StoredWidth-1:0] Smallest = ~Largest;
  localparam [StoredWidth-1:0] Lower = (WeightOverflow == RqSatSym) ? Smallest + 1'b1 : Smallest;

  // Sign extension by assignment, and words wider than what is used of them, are the idiom of this file.
  /* verilator lint_off WIDTH */
  /* verilator lint_off UNUSED */
  /* verilator lint_off BLKSEQ */
  localparam signed [GradientWord-1:0] DecayFactor = Decay;

  (* mem2reg *) reg signed [ContrastWord-1:0] post_a [0:Lanes-1];
  (* mem2reg *) reg signed [ContrastWord-1:0] post_b [0:Lanes-1];
  (* mem2reg *) reg signed [31:0] post_t [0:Lanes-1];
  (* mem2reg *) reg signed [ContrastWord-1:0] product_a [0:Lanes-1];
  (* mem2reg *) reg signed [ContrastWord-1:0] product_b [0:Lanes-1];
  (* mem2reg *) reg signed [ContrastWord-1:0] product_c [0:Lanes-1];
  (* mem2reg *) reg signed [ContrastWord-1:0] contrast [0:Lanes-1];
  (* mem2reg *) reg signed [ContrastWord-1:0] contrast_back [0:Lanes-1];
  (* mem2reg *) reg signed [GradientWord-1:0] gradient [0:Lanes-1];
  (* mem2reg *) reg signed [GradientWord-1:0] gradient_back [0:Lanes-1];
  (* mem2reg *) reg [31:0] random [0:Half-1];     // one word for two lanes
  (* mem2reg *) reg [31:0] pair [0:Half-1];
  (* mem2reg *) reg signed [31:0] weight6 [0:Lanes-1];
  (* mem2reg *) reg signed [31:0] weight7 [0:Lanes-1];
  (* mem2reg *) reg signed [31:0] back6 [0:Lanes-1];
  (* mem2reg *) reg signed [31:0] back7 [0:Lanes-1];
  (* mem2reg *) reg signed [ForwardWord-1:0] forward [0:Lanes-1];
  (* mem2reg *) reg signed [TransposedWord-1:0] transposed [0:Lanes-1];
  (* mem2reg *) reg signed [ForwardWord-1:0] sum [0:Lanes-1];
  (* mem2reg *) reg signed [TransposedWord-1:0] partial [0:Groups-1];
  (* mem2reg *) reg signed [ForwardWord-1:0] chain [0:Lanes-1];
  (* mem2reg *) reg [31:0] folded [0:FoldPairs-1];

  reg valid4_q, valid5_q, valid6_q, valid7_q, valid8_q;
  reg first4_q, first5_q, first6_q, first7_q, first8_q;
  reg last4_q, last5_q, last6_q, last7_q, last8_q, last9_q;
  reg learn4_q, learn5_q, learn6_q, learn7_q;
  reg drive4_q, drive5_q, drive6_q, drive7_q, drive8_q;
  reg back4_q, back5_q, back6_q, back7_q;
  reg signed [PreWidth-1:0] pre5_q, pre6_q, pre7_q;

  // Brings w + increment into the range of the stored weight.
  function automatic signed [31:0] bounded;
    input signed [SumWord-1:0] value;
    input [5:0] width;
    reg outside;
    reg signed [SumWord-1:0] top;
    begin
      if (UniformWidth != 0) begin
        outside = value[SumWord-1:StoredWidth-1] != {(SumWord-StoredWidth+1){value[SumWord-1]}};
        if (WeightOverflow == RqWrap)
          bounded = $signed(value[StoredWidth-1:0]);
        else if (WeightOverflow == RqSatZero)
          bounded = outside ? 32'sd0 : value[31:0];
        else if (WeightOverflow == RqSatSym && value[StoredWidth-1:0] == Smallest)
          bounded = $signed(value[SumWord-1] ? Lower : Largest);
        else
          bounded = outside ? (value[SumWord-1] ? $signed(Lower) : $signed(Largest)) : $signed(value[StoredWidth-1:0]);
      end else begin
        top = value >>> (width - 6'd1);
        outside = top != {SumWord{value[SumWord-1]}};
        if (WeightOverflow == RqSatZero)
          bounded = outside ? 32'sd0 : value[31:0];
        else if (outside)
          bounded = value[SumWord-1] ? -(32'sd1 <<< (width - 6'd1)) + (WeightOverflow == RqSatSym) : (32'sd1 <<< (width - 6'd1)) - 32'sd1;
        else if (WeightOverflow == RqSatSym && value[31:0] == -(32'sd1 <<< (width - 6'd1)))
          bounded = value[31:0] + 32'sd1;
        else
          bounded = value[31:0];
      end
    end
  endfunction

  integer p;
  integer k;
  reg signed [TransposedWord-1:0] total;
  reg [31:0] fold;
  reg [31:0] fold_back;
  reg [31:0] upper;
  reg [Lanes*StoredWidth-1:0] word;

  always @(posedge clk_i) begin : pipeline
    p = 0;
    k = 0;
    total = 0;
    fold = 0;
    upper = 0;
    fold_back = 0;

    // Drive chain.
    if (chain_shift_i) for (p = 0; p < Lanes - 1; p = p + 1) chain[p] = chain[p+1];
    if (last9_q)
      for (p = 0; p < Half; p = p + 1) begin
        chain[2*p] = sum[p];
        chain[2*p+1] = sum[Half+p];
      end
    chain_head_o <= chain[0];

    // Stage 10.
    for (k = 0; k < Groups; k = k + 1) total = total + partial[k];
    transposed10_o <= total;

    // Stage 9.
    if (valid8_q && drive8_q) for (p = 0; p < Groups; p = p + 1) partial[p] = transposed[p];
    if (valid8_q && drive8_q)
      for (k = 1; k < Lanes / Groups; k = k + 1)
        for (p = 0; p < Groups; p = p + 1) partial[p] = partial[p] + transposed[k*Groups+p];
    if (valid8_q && drive8_q && first8_q) for (p = 0; p < Lanes; p = p + 1) sum[p] = forward[p];
    if (valid8_q && drive8_q && !first8_q) for (p = 0; p < Lanes; p = p + 1) sum[p] = sum[p] + forward[p];

    // Stage 8.
    write8_o <= valid7_q && learn7_q;
    if (learn7_q)
      for (p = 0; p < Half; p = p + 1)
        word[2*StoredWidth*p+:2*StoredWidth] = {weight7[Half+p][StoredWidth-1:0], weight7[p][StoredWidth-1:0]};
    if (learn7_q) write_data8_o <= word;
    if (learn7_q)
      for (p = 0; p < Half; p = p + 1) begin
        upper = {{(32-StoredWidth){1'b0}}, weight7[Half+p][StoredWidth-1:0]};
        pair[p] = {upper[15:0], upper[31:16]} ^ {{(32-StoredWidth){1'b0}}, weight7[p][StoredWidth-1:0]};
      end
    if (learn7_q) for (p = 0; p < FoldPairs; p = p + 1) folded[p] = pair[p];
    if (learn7_q)
      for (k = 1; k < Half / FoldPairs; k = k + 1)
        for (p = 0; p < FoldPairs; p = p + 1)
          folded[p] = {folded[p][26:0], folded[p][31:27]} ^ pair[k*FoldPairs+p];
    if (learn7_q) for (p = 0; p < FoldPairs; p = p + 1) fold = {fold[27:0], fold[31:28]} ^ folded[p];
    write_back8_o <= (Feedback != 0) && valid7_q && learn7_q && back7_q;
    if (Feedback != 0 && learn7_q && back7_q) begin
      for (p = 0; p < Half; p = p + 1)
        word[2*StoredWidth*p+:2*StoredWidth] = {back7[Half+p][StoredWidth-1:0], back7[p][StoredWidth-1:0]};
      write_back_data8_o <= word;
      for (p = 0; p < Half; p = p + 1) begin
        upper = {{(32-StoredWidth){1'b0}}, back7[Half+p][StoredWidth-1:0]};
        pair[p] = {upper[15:0], upper[31:16]} ^ {{(32-StoredWidth){1'b0}}, back7[p][StoredWidth-1:0]};
      end
      for (p = 0; p < FoldPairs; p = p + 1) folded[p] = pair[p];
      for (k = 1; k < Half / FoldPairs; k = k + 1)
        for (p = 0; p < FoldPairs; p = p + 1)
          folded[p] = {folded[p][26:0], folded[p][31:27]} ^ pair[k*FoldPairs+p];
      fold_back = 32'd0;
      for (p = 0; p < FoldPairs; p = p + 1) fold_back = {fold_back[27:0], fold_back[31:28]} ^ folded[p];
      fold = fold ^ {fold_back[15:0], fold_back[31:16]};
    end
    write_fold8_o <= fold;
    if (drive7_q) for (p = 0; p < Lanes; p = p + 1) forward[p] = (weight7[p] >>> DroppedBits) * pre7_q;
    if (drive7_q && Feedback == 0)
      for (p = 0; p < Lanes; p = p + 1) transposed[p] = (weight7[p] >>> DroppedBits) * post_t[p];
    if (drive7_q && Feedback != 0)
      for (p = 0; p < Lanes; p = p + 1) transposed[p] = (back7[p] >>> DroppedBits) * post_t[p];

    // Stage 7.
    if (first6_q) for (p = 0; p < Lanes; p = p + 1) post_t[p] = post_a[p];
    if (learn6_q && Feedback != 0) begin
      if (Feedback == 2) for (p = 0; p < Lanes; p = p + 1) gradient_back[p] = gradient[p];
      if (Decay != 0)
        for (p = 0; p < Lanes; p = p + 1) gradient_back[p] = gradient_back[p] - back6[p] * DecayFactor;
      for (p = 0; p < Half; p = p + 1)
        back7[p] = bounded(rq_round(gradient_back[p][GradientWidth-1:0], {random[p][15:0], random[p][31:16]})
                           + back6[p], width6_i);
      for (p = 0; p < Half; p = p + 1)
        back7[Half+p] = bounded(rq_round(gradient_back[Half+p][GradientWidth-1:0], random[p]) + back6[Half+p], width6_i);
    end
    if (Feedback != 0 && valid6_q && !learn6_q) for (p = 0; p < Lanes; p = p + 1) back7[p] = back6[p];
    if (learn6_q && Decay != 0)
      for (p = 0; p < Lanes; p = p + 1) gradient[p] = gradient[p] - weight6[p] * DecayFactor;
    if (learn6_q)
      for (p = 0; p < Half; p = p + 1)
        weight7[p] = bounded(rq_round(gradient[p][GradientWidth-1:0], {random[p][15:0], random[p][31:16]})
                             + weight6[p], width6_i);
    if (learn6_q)
      for (p = 0; p < Half; p = p + 1)
        weight7[Half+p] = bounded(rq_round(gradient[Half+p][GradientWidth-1:0], random[p]) + weight6[Half+p], width6_i);
    if (valid6_q && !learn6_q) for (p = 0; p < Lanes; p = p + 1) weight7[p] = weight6[p];

    // Stage 6.
    if (valid5_q)
      for (p = 0; p < Half; p = p + 1) weight6[p] = $signed(weights5_i[2*StoredWidth*p+:StoredWidth]);
    if (valid5_q)
      for (p = 0; p < Half; p = p + 1)
        weight6[Half+p] = $signed(weights5_i[2*StoredWidth*p+StoredWidth+:StoredWidth]);
    if (Feedback != 0 && valid5_q) begin
      for (p = 0; p < Half; p = p + 1) back6[p] = $signed(back5_i[2*StoredWidth*p+:StoredWidth]);
      for (p = 0; p < Half; p = p + 1) back6[Half+p] = $signed(back5_i[2*StoredWidth*p+StoredWidth+:StoredWidth]);
    end
    if (learn5_q) for (p = 0; p < Lanes; p = p + 1) gradient[p] = contrast[p] * rate5_i;
    if (learn5_q && Feedback == 1)
      for (p = 0; p < Lanes; p = p + 1) gradient_back[p] = contrast_back[p] * rate5_i;
    if (learn5_q && WeightRounding == RqStochastic)
      for (p = 0; p < Half; p = p + 1) random[p] = mix_row(column_key5_i + p * Golden);

    // Stage 5. The products are intermediate values: one condition around all of it, or each would get a register.
    if (learn4_q) begin
      for (p = 0; p < Lanes; p = p + 1) product_a[p] = post_a[p] * (Feedback == 1 ? pre_b4_i : pre_a4_i);
      for (p = 0; p < Lanes; p = p + 1) product_b[p] = post_b[p] * pre_b4_i;
      for (p = 0; p < Lanes; p = p + 1) contrast[p] = (product_a[p] - product_b[p]);
    end
    if (learn4_q && Feedback == 1) begin
      for (p = 0; p < Lanes; p = p + 1) product_b[p] = post_b[p] * pre_b4_i;
      for (p = 0; p < Lanes; p = p + 1) product_c[p] = post_b[p] * pre_a4_i;
      for (p = 0; p < Lanes; p = p + 1) contrast_back[p] = (product_c[p] - product_b[p]);
    end

    // Stage 4.
    if (first3_i)
      for (p = 0; p < Half; p = p + 1) begin
        post_a[p] = clear_a3_i ? reset_activity3_i : $signed(post_a3_i[2*p*ActivityWidth+:ActivityWidth]);
        post_a[Half+p] = clear_a3_i ? reset_activity3_i : $signed(post_a3_i[(2*p+1)*ActivityWidth+:ActivityWidth]);
        post_b[p] = clear_b3_i ? reset_activity3_i : $signed(post_b3_i[2*p*ActivityWidth+:ActivityWidth]);
        post_b[Half+p] = clear_b3_i ? reset_activity3_i : $signed(post_b3_i[(2*p+1)*ActivityWidth+:ActivityWidth]);
      end
    valid4_q <= valid3_i;
    first4_q <= valid3_i && first3_i;
    last4_q <= valid3_i && last3_i && drive3_i;
    learn4_q <= valid3_i && learn3_i;
    drive4_q <= valid3_i && drive3_i;
    back4_q <= back3_i;
    back5_q <= back4_q;
    back6_q <= back5_q;
    back7_q <= back6_q;
    valid5_q <= valid4_q;
    first5_q <= first4_q;
    last5_q <= last4_q;
    learn5_q <= learn4_q;
    drive5_q <= drive4_q;
    pre5_q <= pre_forward4_i;
    valid6_q <= valid5_q;
    first6_q <= first5_q;
    last6_q <= last5_q;
    learn6_q <= learn5_q;
    drive6_q <= drive5_q;
    pre6_q <= pre5_q;
    valid7_q <= valid6_q;
    first7_q <= first6_q;
    last7_q <= last6_q;
    learn7_q <= learn6_q;
    drive7_q <= drive6_q;
    pre7_q <= pre6_q;
    valid8_q <= valid7_q;
    first8_q <= first7_q;
    last8_q <= last7_q;
    drive8_q <= drive7_q;
    last9_q <= last8_q;
  end

  /* verilator lint_on BLKSEQ */
  /* verilator lint_on UNUSED */
  /* verilator lint_on WIDTH */

endmodule

`default_nettype wire
