// SPDX-License-Identifier: Apache-2.0
// The synapses: P lanes that use one weight word per cycle three times.
//
//   stage 3  pre-synaptic operands
//   stage 4  rate x pre-synaptic operands, once for all lanes
//   stage 5  the same, on its way to the lanes; post-synaptic activities, on the first column to learn
//   stage 6  products                                   rate pre_a post_a and rate pre_b post_b
//   stage 7  their difference, rate x contrast          rate (a - b), where a = post_a pre_a, b = post_b pre_b
//            the weight word arrives from memory
//   stage 8  the increment                              round(rate (a - b))
//   stage 9  the updated weight                         w' = overflow(w + increment)
//            post-synaptic activities again, for the way back: these may be younger than stage 4
//   stage 10 w' leaves to memory; forward products      w' pre, transposed products w' post
//   stage 11 forward accumulators, one per lane; partial sums of the transposed products, eight of them
//   stage 12 pairs of these; after the last column the accumulators move to the drive chain
//   stage 13 transposed sum
//   stage 14 head of the drive chain: the drives of the chunk's neurons, one per cycle
//
// No stage holds more than one product or one long addition: what a cycle of 10 ns has room for on an ECP5.
//
// Where the way back has weights of its own, a second weight word goes along: it learns beside the first, from the same
// random bits, and makes the transposed products. Its update is that of the forward weights (Kolen-Pollack), or
// post_b (pre_a - pre_b) beside (post_a - post_b) pre_b (vector field).
//
// With kernels (Kernels), a pass either learns or makes drives. A weight that learns is visited once for each place of the
// map from which it sees a neuron: stage 7 adds the contrasts up, and with the last one it goes on. Sums may be pooled:
// stage 12 keeps the largest of a window's, or their sum, and hands it to the drive chain. Where a maximum is kept
// (Corners), an activity shows itself at the corner of its window that comes beside it, and is zero at the others.
//
// With momentum (Momentum) the second weight word is the velocity of the first: a pass that applies the sums adds what is
// left of it to them (stage 7), rounds that to the new velocity (stages 8 and 9), and adds the velocity, rounded, to the
// weight (stage 9).
//
// In a batch (Batched), a pass that learns only adds rate (a - b) to a sum of the synapse's own, which comes beside the
// weight word in stage 7 and goes back in stage 9; a pass that applies takes the sum for the increment, and clears it.
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
  parameter RatedWidth = 18,       // rate x pre-synaptic operand
  parameter GradientWidth = 31,    // rate x contrast (summed over a batch), less the decay
  parameter Batched = 0,           // 1: rate x contrast is summed over a batch
  parameter BatchWidth = 1,        // bits of that sum
  parameter ForwardWidth = 32,     // one forward accumulator
  parameter TransposedWidth = 32,  // one transposed sum
  parameter Feedback = 0,          // weights on the way back: 0 the same, 1 vector field, 2 Kolen-Pollack
  parameter Decay = 0,             // weight decay, on the grid of rate x contrast
  parameter Complex = 0,           // 1: a is the real part and b the imaginary one, of states and of c x pre
  parameter Momentum = 0,          // what is left of a velocity, on that grid; 0: there are none
  parameter VelocityWidth = 1,
  parameter VelocityFiner = 0,     // its fraction bits below the weight's
  parameter UpdateShift = 16,
  parameter WeightRounding = 2,
  parameter WeightOverflow = 1,
  parameter UniformWidth = 1,      // all weights and biases are StoredWidth bits wide
  parameter Kernels = 0,           // 1: weights are used at many places
  parameter Corners = 0            // 1: some sums are pooled to their maximum
) (
  input  wire                               clk_i,
  // Control, valid in stage 3.
  input  wire                               valid3_i,
  input  wire                               first3_i,   // first column of a chunk
  input  wire                               last3_i,    // last column of a chunk
  input  wire                               learn3_i,
  input  wire                               drive3_i,   // accumulate
  input  wire                               back3_i,    // the column has weights on the way back
  /* verilator lint_off UNUSED */
  input  wire                               adds3_i,    // kernels: the contrast adds to those before,
  input  wire                               ends3_i,    // and is the tap's last
  input  wire                               opens3_i,   // kernels: the sum is the first of its window,
  input  wire                               closes3_i,  // and the last
  input  wire                               largest3_i, // the largest of a window's sums is kept, else they are added
  input  wire [1:0]                         corner3_i,  // of the window
  /* verilator lint_on UNUSED */
  input  wire                               apply_i,    // the pass applies the sums of a batch; steady during a pass
  input  wire                               clear_a_i,  // slot a holds the reset state; steady during a pass
  input  wire                               clear_b_i,
  // Post-synaptic activities: of stage 4 of a chunk's first column for learning, of its stage 8 for the way back (t).
  // {corner, activity} with Corners.
  input  wire [Lanes*(ActivityWidth+2*Corners)-1:0] post_a_i,
  input  wire [Lanes*(ActivityWidth+2*Corners)-1:0] post_b_i,
  input  wire [Lanes*(ActivityWidth+2*Corners)-1:0] post_t_i,
  input  wire signed [ActivityWidth-1:0]    reset_activity4_i,
  input  wire signed [ActivityWidth-1:0]    reset_activity8_i,
  // Operands of the column.
  input  wire signed [ActivityWidth-1:0]    pre_a3_i,
  input  wire signed [ActivityWidth-1:0]    pre_b3_i,
  input  wire signed [RateWidth-1:0]        rate3_i,
  /* verilator lint_off UNUSED */
  input  wire signed [RateWidth-1:0]        turn3_i,        // Complex: the imaginary part of c, whose real part the rate is
  /* verilator lint_on UNUSED */
  input  wire signed [PreWidth-1:0]         pre_forward4_i,
  input  wire [31:0]                        column_key4_i, // random bits: key of the column,
  input  wire [31:0]                        velocity_key4_i, // the same of velocities
  input  wire [31:0]                        chunk_key4_i,  // offset of the chunk's first row
  input  wire [5:0]                         width8_i,      // width of the weights of this layer (non-uniform designs)
  // Weight memory.
  input  wire [Lanes*StoredWidth-1:0]       weights6_i,
  output reg                                write10_o,
  output reg  [Lanes*StoredWidth-1:0]       write_data10_o,
  input  wire [Lanes*StoredWidth-1:0]       back6_i,       // the way back, or velocities
  output reg                                write_back10_o,
  output reg  [Lanes*StoredWidth-1:0]       write_back_data10_o,
  input  wire [Lanes*BatchWidth-1:0]        sums6_i,       // of a batch
  output reg                                write_sums9_o,
  output reg  [Lanes*BatchWidth-1:0]        write_sums_data9_o,
  output reg  [31:0]                        write_fold10_o, // exclusive-or of the rotated lanes, for the signature
  // Sums.
  output reg  signed [TransposedWidth-1:0]  transposed13_o,
  output reg  [ForwardWidth+2*Corners-1:0]  chain_head_o,   // {corner, sum} with Corners
  input  wire                               chain_shift_i
);

  localparam RqInWidth = GradientWidth;
  // An update is rounded to the weight's step, or to the velocity's.
  localparam RqShift = UpdateShift - VelocityFiner;
  localparam RqOutWidth = (Momentum != 0) ? VelocityWidth : StoredWidth;
  localparam RqOutSigned = 1;
  localparam RqRounding = WeightRounding;
  localparam RqOverflow = (Momentum != 0) ? 1 : WeightOverflow;  // a velocity saturates
  `include "requantise.vh"
  `include "mixer.vh"

  // Machine words.
  localparam GradientWord = (GradientWidth <= 32) ? 32 : 64;
  localparam ForwardWord = (ForwardWidth <= 32) ? 32 : 64;
  localparam TransposedWord = (TransposedWidth <= 32) ? 32 : 64;
  // w + increment: one bit more than either.
  localparam SumWidth = ((RqRoundedWidth > StoredWidth) ? RqRoundedWidth : StoredWidth) + 1;
  localparam SumWord = (SumWidth <= 32) ? 32 : 64;
  localparam Half = Lanes / 2;
  localparam Groups = (Lanes < 8) ? Lanes : 8;
  localparam Pairs = Groups / 2;
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
  localparam signed [GradientWord-1:0] MomentumFactor = Momentum;
  // A velocity's bits below the weight's step come to lie where the update's below the velocity's were.
  localparam FollowShift = UpdateShift - 2 * VelocityFiner;
  // A second word goes along.
  localparam Second = (Feedback != 0 || Momentum != 0) ? 1 : 0;

  (* mem2reg *) reg signed [31:0] post_a [0:Lanes-1];
  (* mem2reg *) reg signed [31:0] post_b [0:Lanes-1];
  (* mem2reg *) reg signed [31:0] post_t [0:Lanes-1];
  // Products may leave their word: only their difference is known to fit, and it is what it is modulo the word.
  (* mem2reg *) reg signed [GradientWord-1:0] product_a [0:Lanes-1];
  (* mem2reg *) reg signed [GradientWord-1:0] product_b [0:Lanes-1];
  (* mem2reg *) reg signed [GradientWord-1:0] product_c [0:Lanes-1];
  (* mem2reg *) reg signed [GradientWord-1:0] gradient [0:Lanes-1];
  (* mem2reg *) reg signed [GradientWord-1:0] gradient_back [0:Lanes-1];
  (* mem2reg *) reg signed [GradientWord-1:0] summed7 [0:Lanes-1];
  (* mem2reg *) reg signed [GradientWord-1:0] summed8 [0:Lanes-1];
  (* mem2reg *) reg [31:0] row_key [0:Half-1];
  (* mem2reg *) reg [31:0] mixed [0:Half-1];
  (* mem2reg *) reg [31:0] random [0:Half-1];     // one word for two lanes
  (* mem2reg *) reg signed [SumWord-1:0] increment [0:Lanes-1];
  (* mem2reg *) reg signed [SumWord-1:0] increment_back [0:Lanes-1];
  (* mem2reg *) reg signed [GradientWord-1:0] followed [0:Lanes-1];
  (* mem2reg *) reg [31:0] velocity_row_key [0:Half-1];
  (* mem2reg *) reg [31:0] velocity_mixed [0:Half-1];
  (* mem2reg *) reg [31:0] velocity_random [0:Half-1];
  (* mem2reg *) reg [31:0] random8 [0:Half-1];
  (* mem2reg *) reg [31:0] pair [0:Half-1];
  (* mem2reg *) reg signed [31:0] weight7 [0:Lanes-1];
  (* mem2reg *) reg signed [31:0] weight8 [0:Lanes-1];
  (* mem2reg *) reg signed [31:0] weight9 [0:Lanes-1];
  (* mem2reg *) reg signed [31:0] back7 [0:Lanes-1];
  (* mem2reg *) reg signed [31:0] back8 [0:Lanes-1];
  (* mem2reg *) reg signed [31:0] back9 [0:Lanes-1];
  (* mem2reg *) reg signed [ForwardWord-1:0] forward [0:Lanes-1];
  (* mem2reg *) reg signed [TransposedWord-1:0] transposed [0:Lanes-1];
  (* mem2reg *) reg signed [ForwardWord-1:0] sum [0:Lanes-1];
  (* mem2reg *) reg signed [TransposedWord-1:0] partial [0:Groups-1];
  (* mem2reg *) reg signed [TransposedWord-1:0] pairs [0:Pairs-1];
  (* mem2reg *) reg signed [ForwardWord-1:0] chain [0:Lanes-1];
  (* mem2reg *) reg [31:0] folded [0:FoldPairs-1];
  (* mem2reg *) reg signed [ForwardWord-1:0] pooled [0:Lanes-1];
  (* mem2reg *) reg [31:0] pooled_at [0:Lanes-1];
  (* mem2reg *) reg [31:0] chain_at [0:Lanes-1];

  // Flags of the column, by stage.
  // first, learn and drive are of a valid column.
  reg [10:4] valid_q, first_q, learn_q, drive_q, back_q;
  reg adds10_q;
  reg [11:4] last_q, opens_q, closes_q, largest_q;
  reg pooled12_q, largest12_q;  // a window's sums are whole
  reg [10:4] adds_q, ends_q;
  reg [1:0] corner4_q, corner5_q, corner6_q, corner7_q, corner8_q, corner9_q, corner10_q, corner11_q;
  // Where a word of post-synaptic activities has the corners.
  localparam PostWidth = ActivityWidth + 2 * Corners;
  localparam CornerAt = (Corners != 0) ? ActivityWidth : 0;
  // A weight is updated with its last contrast.
  wire [10:4] update_q = (Kernels != 0) ? learn_q & ends_q : learn_q;
  reg signed [RatedWidth-1:0] rated_a4_q, rated_b4_q, rated_a5_q, rated_b5_q;
  reg signed [RatedWidth-1:0] turned_a4_q, turned_b4_q;
  reg signed [PreWidth-1:0] pre5_q, pre6_q, pre7_q, pre8_q, pre9_q;

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

  // What a neuron shows at the corner that a tap is at.
  function automatic signed [31:0] shown;
    input signed [ActivityWidth-1:0] activity;
    input [1:0] corner;
    input [1:0] at;
    input largest;
    begin
      shown = (Corners != 0 && largest && corner != at) ? 32'sd0 : $signed(activity);
    end
  endfunction

  integer p;
  integer k;
  reg signed [TransposedWord-1:0] total;
  reg [31:0] fold;
  reg [31:0] fold_back;
  reg [31:0] upper;
  reg [Lanes*StoredWidth-1:0] word;
  reg [Lanes*BatchWidth-1:0] sums;

  always @(posedge clk_i) begin : pipeline
    p = 0;
    k = 0;
    total = 0;
    fold = 0;
    upper = 0;
    fold_back = 0;

    // Drive chain.
    if (chain_shift_i) for (p = 0; p < Lanes - 1; p = p + 1) chain[p] = chain[p+1];
    if (Kernels == 0 && last_q[11])
      for (p = 0; p < Half; p = p + 1) begin
        chain[2*p] = sum[p];
        chain[2*p+1] = sum[Half+p];
      end
    if (Corners != 0 && chain_shift_i) for (p = 0; p < Lanes - 1; p = p + 1) chain_at[p] = chain_at[p+1];
    if (Kernels != 0 && pooled12_q)
      for (p = 0; p < Half; p = p + 1) begin
        chain[2*p] = pooled[p];
        chain[2*p+1] = pooled[Half+p];
      end
    if (Corners != 0 && pooled12_q)
      for (p = 0; p < Half; p = p + 1) begin
        chain_at[2*p] = largest12_q ? pooled_at[p] : 32'd0;
        chain_at[2*p+1] = largest12_q ? pooled_at[Half+p] : 32'd0;
      end
    chain_head_o <= (Corners != 0) ? {chain_at[0][1:0], chain[0][ForwardWidth-1:0]} : chain[0];

    // Pooling, stage 12: a comparison and a choice, and the chain a cycle later.
    if (Corners != 0 && last_q[11])
      for (p = 0; p < Lanes; p = p + 1)
        pooled_at[p] = opens_q[11] ? 32'd0 : (sum[p] > pooled[p]) ? {30'd0, corner11_q} : pooled_at[p];
    if (Kernels != 0 && last_q[11])
      for (p = 0; p < Lanes; p = p + 1)
        pooled[p] = opens_q[11] ? sum[p] : !largest_q[11] ? pooled[p] + sum[p] : (sum[p] > pooled[p]) ? sum[p] : pooled[p];

    // Stage 13.
    for (k = 0; k < Pairs; k = k + 1) total = total + pairs[k];
    transposed13_o <= total;

    // Stage 12.
    for (p = 0; p < Pairs; p = p + 1) pairs[p] = partial[p] + partial[Pairs+p];

    // Stage 11. A condition stands around all loops of an intermediate value, or it would get a register.
    if (drive_q[10]) begin
      for (p = 0; p < Groups; p = p + 1) partial[p] = transposed[p];
      for (k = 1; k < Lanes / Groups; k = k + 1)
        for (p = 0; p < Groups; p = p + 1) partial[p] = partial[p] + transposed[k*Groups+p];
    end
    // A product may come from far: it goes into one addition, and nothing stands before or behind that.
    if (drive_q[10]) for (p = 0; p < Lanes; p = p + 1) sum[p] = (adds10_q ? sum[p] : 0) + forward[p];

    // Stage 10. Whether sums go on is decided a cycle ahead, for all lanes.
    adds10_q <= !first_q[9];
    write10_o <= update_q[9];
    if (update_q[9]) begin
      for (p = 0; p < Half; p = p + 1)
        word[2*StoredWidth*p+:2*StoredWidth] = {weight9[Half+p][StoredWidth-1:0], weight9[p][StoredWidth-1:0]};
      write_data10_o <= word;
      for (p = 0; p < Half; p = p + 1) begin
        upper = {{(32-StoredWidth){1'b0}}, weight9[Half+p][StoredWidth-1:0]};
        pair[p] = {upper[15:0], upper[31:16]} ^ {{(32-StoredWidth){1'b0}}, weight9[p][StoredWidth-1:0]};
      end
      for (p = 0; p < FoldPairs; p = p + 1) folded[p] = pair[p];
      for (k = 1; k < Half / FoldPairs; k = k + 1)
        for (p = 0; p < FoldPairs; p = p + 1)
          folded[p] = {folded[p][26:0], folded[p][31:27]} ^ pair[k*FoldPairs+p];
      for (p = 0; p < FoldPairs; p = p + 1) fold = {fold[27:0], fold[31:28]} ^ folded[p];
    end
    write_back10_o <= (Second != 0) && update_q[9] && back_q[9];
    if (Second != 0 && update_q[9] && back_q[9]) begin
      for (p = 0; p < Half; p = p + 1)
        word[2*StoredWidth*p+:2*StoredWidth] = {back9[Half+p][StoredWidth-1:0], back9[p][StoredWidth-1:0]};
      write_back_data10_o <= word;
      for (p = 0; p < Half; p = p + 1) begin
        upper = {{(32-StoredWidth){1'b0}}, back9[Half+p][StoredWidth-1:0]};
        pair[p] = {upper[15:0], upper[31:16]} ^ {{(32-StoredWidth){1'b0}}, back9[p][StoredWidth-1:0]};
      end
      for (p = 0; p < FoldPairs; p = p + 1) folded[p] = pair[p];
      for (k = 1; k < Half / FoldPairs; k = k + 1)
        for (p = 0; p < FoldPairs; p = p + 1)
          folded[p] = {folded[p][26:0], folded[p][31:27]} ^ pair[k*FoldPairs+p];
      fold_back = 32'd0;
      for (p = 0; p < FoldPairs; p = p + 1) fold_back = {fold_back[27:0], fold_back[31:28]} ^ folded[p];
      fold = fold ^ {fold_back[15:0], fold_back[31:16]};
    end
    write_fold10_o <= fold;
    if (drive_q[9]) for (p = 0; p < Lanes; p = p + 1) forward[p] = (weight9[p] >>> DroppedBits) * pre9_q;
    if (drive_q[9] && Feedback == 0)
      for (p = 0; p < Lanes; p = p + 1) transposed[p] = (weight9[p] >>> DroppedBits) * post_t[p];
    if (drive_q[9] && Feedback != 0)
      for (p = 0; p < Lanes; p = p + 1) transposed[p] = (back9[p] >>> DroppedBits) * post_t[p];

    // Stage 9.
    write_sums9_o <= (Batched != 0) && update_q[8];
    if (Batched != 0 && update_q[8]) begin
      for (p = 0; p < Half; p = p + 1)
        sums[2*BatchWidth*p+:2*BatchWidth] = {summed8[Half+p][BatchWidth-1:0], summed8[p][BatchWidth-1:0]};
      write_sums_data9_o <= sums;
    end
    if (first_q[8] && drive_q[8])
      for (p = 0; p < Half; p = p + 1) begin
        post_t[p] = shown(clear_a_i ? reset_activity8_i : $signed(post_t_i[2*p*PostWidth+:ActivityWidth]),
                          clear_a_i ? 2'd0 : post_t_i[2*p*PostWidth+CornerAt+:2], corner8_q, largest_q[8]);
        post_t[Half+p] = shown(clear_a_i ? reset_activity8_i : $signed(post_t_i[(2*p+1)*PostWidth+:ActivityWidth]),
                               clear_a_i ? 2'd0 : post_t_i[(2*p+1)*PostWidth+CornerAt+:2], corner8_q, largest_q[8]);
      end
    if (Momentum == 0 && update_q[8])
      for (p = 0; p < Lanes; p = p + 1) weight9[p] = bounded(increment[p] + weight8[p], width8_i);
    if (Momentum != 0 && update_q[8]) begin
      for (p = 0; p < Lanes; p = p + 1) back9[p] = $signed(rq_overflow(increment_back[p]));
      for (p = 0; p < Lanes; p = p + 1) followed[p] = back9[p] <<< FollowShift;
      for (p = 0; p < Half; p = p + 1)
        weight9[p] = bounded(rq_round(followed[p][GradientWidth-1:0], {random8[p][15:0], random8[p][31:16]}) + weight8[p], width8_i);
      for (p = 0; p < Half; p = p + 1)
        weight9[Half+p] = bounded(rq_round(followed[Half+p][GradientWidth-1:0], random8[p]) + weight8[Half+p], width8_i);
    end
    if (valid_q[8] && !update_q[8]) for (p = 0; p < Lanes; p = p + 1) weight9[p] = weight8[p];
    if (Feedback != 0 && update_q[8])
      for (p = 0; p < Lanes; p = p + 1) back9[p] = bounded(increment_back[p] + back8[p], width8_i);
    if (Feedback != 0 && valid_q[8] && !update_q[8]) for (p = 0; p < Lanes; p = p + 1) back9[p] = back8[p];

    // Stage 8.
    if (Batched != 0 && update_q[7])
      for (p = 0; p < Lanes; p = p + 1) summed8[p] = apply_i ? 0 : summed7[p] + gradient[p];
    if (valid_q[7]) for (p = 0; p < Lanes; p = p + 1) weight8[p] = weight7[p];
    if (Feedback != 0 && valid_q[7]) for (p = 0; p < Lanes; p = p + 1) back8[p] = back7[p];
    if (update_q[7] && Feedback != 0) begin
      if (Feedback == 2) for (p = 0; p < Lanes; p = p + 1) gradient_back[p] = gradient[p];
      if (Decay != 0)
        for (p = 0; p < Lanes; p = p + 1) gradient_back[p] = gradient_back[p] - back7[p] * DecayFactor;
      for (p = 0; p < Half; p = p + 1)
        increment_back[p] = rq_round(gradient_back[p][GradientWidth-1:0], {random[p][15:0], random[p][31:16]});
      for (p = 0; p < Half; p = p + 1)
        increment_back[Half+p] = rq_round(gradient_back[Half+p][GradientWidth-1:0], random[p]);
    end
    if (update_q[7] && Decay != 0)
      for (p = 0; p < Lanes; p = p + 1) gradient[p] = gradient[p] - weight7[p] * DecayFactor;
    if (Momentum == 0 && update_q[7])
      for (p = 0; p < Half; p = p + 1)
        increment[p] = rq_round(gradient[p][GradientWidth-1:0], {random[p][15:0], random[p][31:16]});
    if (Momentum == 0 && update_q[7])
      for (p = 0; p < Half; p = p + 1) increment[Half+p] = rq_round(gradient[Half+p][GradientWidth-1:0], random[p]);
    if (Momentum != 0 && update_q[7])
      for (p = 0; p < Half; p = p + 1)
        increment_back[p] = rq_round(gradient[p][GradientWidth-1:0], {velocity_random[p][15:0], velocity_random[p][31:16]});
    if (Momentum != 0 && update_q[7])
      for (p = 0; p < Half; p = p + 1)
        increment_back[Half+p] = rq_round(gradient[Half+p][GradientWidth-1:0], velocity_random[p]);
    if (Momentum != 0 && update_q[7]) for (p = 0; p < Half; p = p + 1) random8[p] = random[p];

    // Stage 7.
    if (valid_q[6])
      for (p = 0; p < Half; p = p + 1) weight7[p] = $signed(weights6_i[2*StoredWidth*p+:StoredWidth]);
    if (valid_q[6])
      for (p = 0; p < Half; p = p + 1)
        weight7[Half+p] = $signed(weights6_i[2*StoredWidth*p+StoredWidth+:StoredWidth]);
    if (Second != 0 && valid_q[6]) begin
      for (p = 0; p < Half; p = p + 1) back7[p] = $signed(back6_i[2*StoredWidth*p+:StoredWidth]);
      for (p = 0; p < Half; p = p + 1) back7[Half+p] = $signed(back6_i[2*StoredWidth*p+StoredWidth+:StoredWidth]);
    end
    if (Batched != 0 && learn_q[6]) begin
      for (p = 0; p < Half; p = p + 1) summed7[p] = $signed(sums6_i[2*BatchWidth*p+:BatchWidth]);
      for (p = 0; p < Half; p = p + 1) summed7[Half+p] = $signed(sums6_i[2*BatchWidth*p+BatchWidth+:BatchWidth]);
    end
    if (Kernels == 0 && learn_q[6]) for (p = 0; p < Lanes; p = p + 1) gradient[p] = (product_a[p] - product_b[p]);
    if (Kernels != 0 && learn_q[6])
      for (p = 0; p < Lanes; p = p + 1) gradient[p] = (adds_q[6] ? gradient[p] : 0) + product_a[p] - product_b[p];
    if (Batched != 0 && learn_q[6] && apply_i) for (p = 0; p < Lanes; p = p + 1) gradient[p] = summed7[p];
    if (Momentum != 0 && learn_q[6] && apply_i)
      for (p = 0; p < Lanes; p = p + 1) gradient[p] = gradient[p] + back7[p] * MomentumFactor;
    if (Kernels == 0 && learn_q[6] && Feedback == 1)
      for (p = 0; p < Lanes; p = p + 1) gradient_back[p] = (product_c[p] - product_b[p]);
    if (Kernels != 0 && learn_q[6] && Feedback == 1)
      for (p = 0; p < Lanes; p = p + 1)
        gradient_back[p] = (adds_q[6] ? gradient_back[p] : 0) + product_c[p] - product_b[p];
    if (learn_q[6] && WeightRounding == RqStochastic)
      for (p = 0; p < Half; p = p + 1) random[p] = mix_row_2(mixed[p]);
    if (Momentum != 0 && learn_q[6] && WeightRounding == RqStochastic)
      for (p = 0; p < Half; p = p + 1) velocity_random[p] = mix_row_2(velocity_mixed[p]);

    // Stage 6.
    if (learn_q[5])
      for (p = 0; p < Lanes; p = p + 1) product_a[p] = post_a[p] * (Feedback == 1 ? rated_b5_q : rated_a5_q);
    if (learn_q[5]) for (p = 0; p < Lanes; p = p + 1) product_b[p] = post_b[p] * rated_b5_q;
    if (learn_q[5] && Feedback == 1) for (p = 0; p < Lanes; p = p + 1) product_c[p] = post_b[p] * rated_a5_q;
    if (learn_q[5] && WeightRounding == RqStochastic)
      for (p = 0; p < Half; p = p + 1) mixed[p] = mix_row_1(row_key[p]);
    if (Momentum != 0 && learn_q[5] && WeightRounding == RqStochastic)
      for (p = 0; p < Half; p = p + 1) velocity_mixed[p] = mix_row_1(velocity_row_key[p]);

    // Stage 5.
    if (learn_q[4] && WeightRounding == RqStochastic)
      for (p = 0; p < Half; p = p + 1) row_key[p] = column_key4_i + (chunk_key4_i + p * Golden);
    if (Momentum != 0 && learn_q[4] && WeightRounding == RqStochastic)
      for (p = 0; p < Half; p = p + 1) velocity_row_key[p] = velocity_key4_i + (chunk_key4_i + p * Golden);
    if (first_q[4] && learn_q[4])
      for (p = 0; p < Half; p = p + 1) begin
        post_a[p] = shown(clear_a_i ? reset_activity4_i : $signed(post_a_i[2*p*PostWidth+:ActivityWidth]),
                          clear_a_i ? 2'd0 : post_a_i[2*p*PostWidth+CornerAt+:2], corner4_q, largest_q[4]);
        post_a[Half+p] = shown(clear_a_i ? reset_activity4_i : $signed(post_a_i[(2*p+1)*PostWidth+:ActivityWidth]),
                               clear_a_i ? 2'd0 : post_a_i[(2*p+1)*PostWidth+CornerAt+:2], corner4_q, largest_q[4]);
        post_b[p] = shown(clear_b_i ? reset_activity4_i : $signed(post_b_i[2*p*PostWidth+:ActivityWidth]),
                          clear_b_i ? 2'd0 : post_b_i[2*p*PostWidth+CornerAt+:2], corner4_q, largest_q[4]);
        post_b[Half+p] = shown(clear_b_i ? reset_activity4_i : $signed(post_b_i[(2*p+1)*PostWidth+:ActivityWidth]),
                               clear_b_i ? 2'd0 : post_b_i[(2*p+1)*PostWidth+CornerAt+:2], corner4_q, largest_q[4]);
      end

    // Stage 4, and what only moves on. A product for all lanes crosses half the device: it has a cycle for its way.
    if (valid3_i && learn3_i) begin
      rated_a4_q <= pre_a3_i * rate3_i;
      rated_b4_q <= pre_b3_i * rate3_i;
    end
    if (Complex != 0 && valid3_i && learn3_i) begin
      turned_a4_q <= pre_a3_i * turn3_i;
      turned_b4_q <= pre_b3_i * turn3_i;
    end
    rated_a5_q <= (Complex != 0) ? rated_a4_q - turned_b4_q : rated_a4_q;
    rated_b5_q <= (Complex != 0) ? rated_b4_q + turned_a4_q : rated_b4_q;
    valid_q <= {valid_q[9:4], valid3_i};
    first_q <= {first_q[9:4], valid3_i && first3_i};
    last_q <= {last_q[10:4], valid3_i && last3_i && drive3_i};
    learn_q <= {learn_q[9:4], valid3_i && learn3_i};
    drive_q <= {drive_q[9:4], valid3_i && drive3_i};
    back_q <= {back_q[9:4], back3_i};
    adds_q <= {adds_q[9:4], adds3_i};
    ends_q <= {ends_q[9:4], ends3_i};
    opens_q <= {opens_q[10:4], opens3_i};
    closes_q <= {closes_q[10:4], closes3_i};
    largest_q <= {largest_q[10:4], largest3_i};
    pooled12_q <= last_q[11] && closes_q[11];
    largest12_q <= largest_q[11];
    {corner11_q, corner10_q, corner9_q, corner8_q, corner7_q, corner6_q, corner5_q, corner4_q} <=
        {corner10_q, corner9_q, corner8_q, corner7_q, corner6_q, corner5_q, corner4_q, corner3_i};
    pre5_q <= pre_forward4_i;
    pre6_q <= pre5_q;
    pre7_q <= pre6_q;
    pre8_q <= pre7_q;
    pre9_q <= pre8_q;
  end

  /* verilator lint_on BLKSEQ */
  /* verilator lint_on UNUSED */
  /* verilator lint_on WIDTH */

endmodule

`default_nettype wire
