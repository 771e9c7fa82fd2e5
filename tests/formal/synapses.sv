// Two synapse lanes against their equations, at small widths: for every weight, activity, rate and key.
//
//   w' = overflow(w + round(rate (post_a pre_a - post_b pre_b) - decay w)), or w' = w in a frozen pass
//   forward sum of a lane: sum of w' pre over the columns of a chunk; transposed sum of a column: sum of w' post
//
// Where the way back has weights of its own, they learn beside (post_b (pre_a - pre_b) for vector fields, else the same
// increment) and make the transposed sums. The specification is one expression in the cycle in which the weight word
// arrives, then a delay line; only the four delays below know the depth of the pipeline. requantise and mix_row are
// proven by themselves and taken for granted. In a batch a pass that learns adds its increment to a sum instead, and a
// pass that applies learns from that sum and clears it.
//
// The lanes start from any contents of their registers: words written and transposed sums depend on a bounded past, so
// what holds here holds ever after; forward sums are checked for chunks as long as the depth of the proof allows.

`default_nettype none

module synapses_formal #(
  parameter Feedback = 0,
  parameter Decay = 0,
  parameter Rounding = 2,
  parameter Overflow = 1,
  parameter A = 2,                 // bits of an activity
  parameter S = 3,                 // bits of a weight
  parameter Batched = 0,
  parameter B = 6,                 // bits of a batch's sum
  parameter SumsDelay = 3,         // cycles from the weight word's arrival until a batch's sum leaves to memory
  parameter WriteDelay = 4,        // the same until w' leaves to memory
  parameter ChainDelay = 6,        // ... until forward sums are out
  parameter TransposedDelay = 7    // ... until transposed sums are out
) (
  input wire clk_i,
  input wire valid3_i,
  input wire first3_i,
  input wire last3_i,
  input wire learn3_i,
  input wire drive3_i,
  input wire back3_i,
  input wire [2*A-1:0] post_a_i,
  input wire [2*A-1:0] post_b_i,
  input wire [2*A-1:0] post_t_i,
  input wire signed [A-1:0] reset_activity4_i,
  input wire signed [A-1:0] reset_activity8_i,
  input wire signed [A-1:0] pre_a3_i,
  input wire signed [A-1:0] pre_b3_i,
  input wire signed [1:0] rate3_i,
  input wire signed [A-1:0] pre_forward4_i,
  input wire [31:0] column_key4_i,
  input wire [31:0] chunk_key4_i,
  input wire [2*S-1:0] weights6_i,
  input wire [2*S-1:0] back6_i,
  input wire [2*B-1:0] sums6_i,
  input wire chain_shift_i
);

  localparam Dropped = 1, Gradient = 10, Shift = 3;
  wire write10, write_back10, write_sums9;
  wire [2*S-1:0] write_data10, write_back_data10;
  wire [2*B-1:0] write_sums_data9;
  wire signed [9:0] transposed13;
  wire signed [11:0] chain_head;
  // Steady during a pass, which is longer than any column is on its way.
  (* anyconst *) reg f_apply_any, f_clear_a, f_clear_b;
  wire f_apply = f_apply_any && (Batched != 0);
  synapse_lanes #(
    .Lanes(2), .StoredWidth(S), .DroppedBits(Dropped), .ActivityWidth(A), .PreWidth(A), .RateWidth(2), .RatedWidth(4),
    .GradientWidth(Gradient), .Batched(Batched), .BatchWidth(B), .ForwardWidth(12), .TransposedWidth(10),
    .Feedback(Feedback), .Decay(Decay), .UpdateShift(Shift), .WeightRounding(Rounding), .WeightOverflow(Overflow),
    .UniformWidth(1)
  ) u_dut (
    .clk_i(clk_i), .valid3_i(valid3_i), .first3_i(first3_i), .last3_i(last3_i), .learn3_i(learn3_i),
    .drive3_i(drive3_i), .back3_i(back3_i), .apply_i(f_apply), .clear_a_i(f_clear_a), .clear_b_i(f_clear_b),
    .post_a_i(post_a_i), .post_b_i(post_b_i), .post_t_i(post_t_i), .reset_activity4_i(reset_activity4_i),
    .reset_activity8_i(reset_activity8_i), .pre_a3_i(pre_a3_i), .pre_b3_i(pre_b3_i),
    .rate3_i(rate3_i), .pre_forward4_i(pre_forward4_i), .column_key4_i(column_key4_i), .chunk_key4_i(chunk_key4_i),
    .width8_i(S[5:0]), .weights6_i(weights6_i), .write10_o(write10), .write_data10_o(write_data10), .back6_i(back6_i),
    .write_back10_o(write_back10), .write_back_data10_o(write_back_data10), .sums6_i(sums6_i),
    .write_sums9_o(write_sums9), .write_sums_data9_o(write_sums_data9), .write_fold10_o(),
    .transposed13_o(transposed13), .chain_head_o(chain_head), .chain_shift_i(chain_shift_i)
  );

  // A chunk begins with its first column and lasts four cycles at least (the sequencer's MinSlot).
  reg [1:0] f_room = 2'd0;
  always @(posedge clk_i) f_room <= first3_i ? 2'd3 : f_room - (f_room != 0);
  always @* assume (!first3_i || (valid3_i && f_room == 0));
  always @* assume (!last3_i || valid3_i);
  // The last column of a chunk ends it.
  reg f_open = 1'b0;
  always @(posedge clk_i) f_open <= valid3_i ? !last3_i : f_open;
  always @* assume (!valid3_i || (first3_i != f_open));

  // Batches learn in passes that make no drives.
  always @* assume (Batched == 0 || !drive3_i || !learn3_i);
  always @* assume (!f_apply || learn3_i);

  // Post-synaptic activities of the chunk, then everything of the column in the cycle of its weight word (stage 6).
  // For the way back activities come in stage 8 of the chunk's first column.
  reg [8:4] valid = 0, first = 0, last = 0, learn = 0, drive = 0, back = 0;
  reg signed [A-1:0] post_a0, post_a1, post_b0, post_b1;          // stage 5
  reg signed [A-1:0] a0, a1, b0, b1, pre_a, pre_b, pre;           // stage 6
  reg signed [A-1:0] t0, t1;                                      // stage 9
  reg signed [A-1:0] pre_a4, pre_b4, pre_a5, pre_b5, pre5;
  reg signed [1:0] rate4, rate5, rate;
  reg [31:0] column_key5, column_key;
  wire signed [A-1:0] in_a0 = f_clear_a ? reset_activity4_i : post_a_i[A-1:0];
  wire signed [A-1:0] in_a1 = f_clear_a ? reset_activity4_i : post_a_i[2*A-1:A];
  wire signed [A-1:0] in_b0 = f_clear_b ? reset_activity4_i : post_b_i[A-1:0];
  wire signed [A-1:0] in_b1 = f_clear_b ? reset_activity4_i : post_b_i[2*A-1:A];
  always @(posedge clk_i) begin
    valid <= {valid, valid3_i};
    first <= {first, first3_i};
    last <= {last, last3_i};
    learn <= {learn, learn3_i};
    drive <= {drive, drive3_i};
    back <= {back, back3_i};
    if (first[4]) {post_a0, post_a1, post_b0, post_b1} <= {in_a0, in_a1, in_b0, in_b1};
    if (first[8]) t0 <= f_clear_a ? reset_activity8_i : post_t_i[A-1:0];
    if (first[8]) t1 <= f_clear_a ? reset_activity8_i : post_t_i[2*A-1:A];
    {a0, a1, b0, b1} <= {post_a0, post_a1, post_b0, post_b1};
    {pre_a4, pre_b4, rate4} <= {pre_a3_i, pre_b3_i, rate3_i};
    {pre_a5, pre_b5, rate5} <= {pre_a4, pre_b4, rate4};
    {pre_a, pre_b, rate} <= {pre_a5, pre_b5, rate5};
    {pre5, pre} <= {pre_forward4_i, pre5};
    column_key5 <= column_key4_i + chunk_key4_i;
    column_key <= column_key5;
  end
  wire valid6 = valid[6], first6 = first[6], last6 = last[6], learn6 = learn[6], drive6 = drive[6], back6 = back[6];

  `include "mixer.vh"
  wire [31:0] random = mix_row(column_key);
  wire signed [S-1:0] next0, next1, back_next0, back_next1;
  // Forward: with vector fields (post_a - post_b) pre_b, else a difference of products.
  wire signed [A-1:0] pre_of_a = (Feedback == 1) ? pre_b : pre_a;
  wire signed [15:0] contrast0 = (a0 * pre_of_a - b0 * pre_b) * rate;
  wire signed [15:0] contrast1 = (a1 * pre_of_a - b1 * pre_b) * rate;
  wire signed [B-1:0] gathered0 = sums6_i[B-1:0], gathered1 = sums6_i[2*B-1:B];
  wire signed [B-1:0] gather0 = f_apply ? 0 : gathered0 + contrast0, gather1 = f_apply ? 0 : gathered1 + contrast1;
  wire signed [15:0] increment0 = f_apply ? gathered0 : contrast0;
  wire signed [15:0] increment1 = f_apply ? gathered1 : contrast1;
  wire signed [15:0] increment_back0 = (Feedback == 1) ? (b0 * pre_a - b0 * pre_b) * rate : increment0;
  wire signed [15:0] increment_back1 = (Feedback == 1) ? (b1 * pre_a - b1 * pre_b) * rate : increment1;
  plain_update #(.S(S), .Decay(Decay), .Shift(Shift), .Rounding(Rounding), .Overflow(Overflow)) u_next0 (
    .weight_i(weights6_i[S-1:0]), .increment_i(increment0), .random_i({random[15:0], random[31:16]}),
    .next_o(next0));
  plain_update #(.S(S), .Decay(Decay), .Shift(Shift), .Rounding(Rounding), .Overflow(Overflow)) u_next1 (
    .weight_i(weights6_i[2*S-1:S]), .increment_i(increment1), .random_i(random), .next_o(next1));
  plain_update #(.S(S), .Decay(Decay), .Shift(Shift), .Rounding(Rounding), .Overflow(Overflow)) u_back0 (
    .weight_i(back6_i[S-1:0]), .increment_i(increment_back0), .random_i({random[15:0], random[31:16]}),
    .next_o(back_next0));
  plain_update #(.S(S), .Decay(Decay), .Shift(Shift), .Rounding(Rounding), .Overflow(Overflow)) u_back1 (
    .weight_i(back6_i[2*S-1:S]), .increment_i(increment_back1), .random_i(random), .next_o(back_next1));
  wire signed [S-1:0] w0 = learn6 ? next0 : weights6_i[S-1:0], w1 = learn6 ? next1 : weights6_i[2*S-1:S];
  wire signed [S-1:0] v0 = (Feedback == 0) ? w0 : learn6 ? back_next0 : back6_i[S-1:0];
  wire signed [S-1:0] v1 = (Feedback == 0) ? w1 : learn6 ? back_next1 : back6_i[2*S-1:S];
  wire signed [S-1:0] read0 = w0 >>> Dropped, read1 = w1 >>> Dropped, seen0 = v0 >>> Dropped, seen1 = v1 >>> Dropped;
  reg [6*S-1:0] f_seen;
  always @(posedge clk_i) f_seen <= {f_seen, seen1, seen0};
  wire signed [S-1:0] seen9_0 = f_seen[4*S+:S], seen9_1 = f_seen[5*S+:S];
  wire signed [9:0] transposed9 = seen9_0 * t0 + seen9_1 * t1;
  reg signed [11:0] sum0, sum1;
  wire signed [11:0] forward0 = read0 * pre + (first6 ? 12'sd0 : sum0);
  wire signed [11:0] forward1 = read1 * pre + (first6 ? 12'sd0 : sum1);
  // A chunk is followed from its first column on.
  reg f_known = 1'b0;
  wire f_knows = first6 || f_known;
  always @(posedge clk_i) if (valid6) begin
    f_known <= f_knows && !last6;
    if (drive6) {sum0, sum1} <= {forward0, forward1};
  end
  // All columns of a pass drive, or none does; and so with learning.
  reg f_drives, f_learns;
  always @(posedge clk_i) if (first3_i) {f_drives, f_learns} <= {drive3_i, learn3_i};
  always @* assume (!valid3_i || first3_i || (drive3_i == f_drives && learn3_i == f_learns));

  // Delay lines.
  reg [SumsDelay-1:0] f_gather = 0;
  reg [2*B*SumsDelay-1:0] f_gathered = 0;
  reg [WriteDelay-1:0] f_write = 0, f_write_back = 0;
  reg [2*S*WriteDelay-1:0] f_word = 0, f_word_back = 0;
  reg [TransposedDelay-1:0] f_column = 0;
  reg [ChainDelay-1:0] f_chunk = 0;
  reg [10*(TransposedDelay-3)-1:0] f_transposed = 0;
  reg [24*ChainDelay-1:0] f_forward = 0;
  always @(posedge clk_i) begin
    f_gather <= {f_gather, valid6 && learn6 && f_knows && Batched != 0};
    f_gathered <= {f_gathered, gather1, gather0};
    f_write <= {f_write, valid6 && learn6 && f_knows && (Batched == 0 || f_apply)};
    f_write_back <= {f_write_back, valid6 && learn6 && back6 && f_knows && Feedback != 0};
    f_word <= {f_word, w1, w0};
    f_word_back <= {f_word_back, v1, v0};
    f_column <= {f_column, valid6 && drive6 && f_knows};
    f_chunk <= {f_chunk, valid6 && drive6 && f_knows && last6};
    f_transposed <= {f_transposed, transposed9};
    f_forward <= {f_forward, forward1, forward0};
  end
  wire f_gathers = f_gather[SumsDelay-1], f_writes = f_write[WriteDelay-1], f_writes_back = f_write_back[WriteDelay-1];
  wire f_sums = f_column[TransposedDelay-1], f_loads = f_chunk[ChainDelay-1];
  wire signed [9:0] f_transposed_sum = f_transposed[10*(TransposedDelay-3)-1-:10];
  wire signed [11:0] f_head = f_forward[24*ChainDelay-13-:12], f_behind = f_forward[24*ChainDelay-1-:12];
  reg f_shifted = 1'b0;
  reg signed [11:0] f_second;
  always @(posedge clk_i) begin
    f_shifted <= f_loads && chain_shift_i;
    f_second <= f_behind;
  end
  always @* begin
    if (f_gathers) assert (write_sums9 && write_sums_data9 == f_gathered[2*B*SumsDelay-1-:2*B]);
    if (f_writes) assert (write10 && write_data10 == f_word[2*S*WriteDelay-1-:2*S]);
    if (f_writes_back) assert (write_back10 && write_back_data10 == f_word_back[2*S*WriteDelay-1-:2*S]);
    if (f_sums) assert (transposed13 == f_transposed_sum);
    // The chunk's sums leave one after the other: lane 0, after a shift lane 1.
    if (f_loads) assert (chain_head == f_head);
    if (f_shifted && !f_loads) assert (chain_head == f_second);
  end

  always @* cover (f_loads && chain_head == 2 && f_behind == 12'd1);
  always @* cover (f_writes && write_data10 == 6'o35);
  always @* cover (f_sums && transposed13 == -2);
  always @* cover (f_shifted && chain_head == -4);
  generate
    if (Batched != 0) begin : gen_batch
      always @* cover (f_gathers && write_sums_data9 == 12'o0377);
    end
  endgenerate

endmodule

// w + round(increment - decay w), into the weight's format.
module plain_update #(
  parameter S = 3,
  parameter Decay = 0,
  parameter Shift = 3,
  parameter Rounding = 2,
  parameter Overflow = 1
) (
  input  wire signed [S-1:0] weight_i,
  input  wire signed [15:0] increment_i,
  input  wire [31:0]        random_i,
  output wire [S-1:0]       next_o
);
  localparam signed [15:0] DecayFactor = Decay;  // a parameter that Yosys sets from outside has no sign
  wire signed [9:0] exact = increment_i - weight_i * DecayFactor;
  wire signed [9:0] rounded;
  requantise #(.InWidth(10), .Shift(Shift), .OutWidth(10), .OutSigned(1), .Rounding(Rounding), .Overflow(0)) u_round (
    .in_i(exact), .random_i(random_i), .out_o(rounded), .saturated_o());
  wire signed [10:0] sum = rounded + weight_i;
  requantise #(.InWidth(11), .Shift(0), .OutWidth(S), .OutSigned(1), .Rounding(0), .Overflow(Overflow)) u_bounds (
    .in_i(sum), .random_i(32'd0), .out_o(next_o), .saturated_o());
endmodule

`default_nettype wire
