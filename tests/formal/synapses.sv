// Two synapse lanes against their equations, at small widths: for every weight, activity, rate and key.
//
//   w' = overflow(w + round(rate (post_a pre_a - post_b pre_b) - decay w)), or w' = w in a frozen pass
//   forward sum of a lane: sum of w' pre over the columns of a chunk; transposed sum of a column: sum of w' post
//
// Where the way back has weights of its own, they learn beside (post_b (pre_a - pre_b) for vector fields, else the same
// increment) and make the transposed sums. The specification is one expression in the cycle in which the weight word
// arrives, then a delay line; only WriteDelay and SumDelay know the depth of the pipeline. requantise and mix_row are
// proven by themselves and taken for granted.
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
  parameter WriteDelay = 3,        // cycles from the weight word's arrival until w' leaves to memory
  parameter SumDelay = 5           // the same until sums are out
) (
  input wire clk_i,
  input wire valid3_i,
  input wire first3_i,
  input wire last3_i,
  input wire learn3_i,
  input wire drive3_i,
  input wire back3_i,
  input wire clear_a3_i,
  input wire clear_b3_i,
  input wire [2*A-1:0] post_a3_i,
  input wire [2*A-1:0] post_b3_i,
  input wire signed [A-1:0] reset_activity3_i,
  input wire signed [A-1:0] pre_a4_i,
  input wire signed [A-1:0] pre_b4_i,
  input wire signed [A-1:0] pre_forward4_i,
  input wire signed [1:0] rate5_i,
  input wire [31:0] column_key5_i,
  input wire [2*S-1:0] weights5_i,
  input wire [2*S-1:0] back5_i,
  input wire chain_shift_i
);

  localparam Dropped = 1, Gradient = 10, Shift = 3;
  wire write8, write_back8;
  wire [2*S-1:0] write_data8, write_back_data8;
  wire signed [9:0] transposed10;
  wire signed [11:0] chain_head;
  synapse_lanes #(
    .Lanes(2), .StoredWidth(S), .DroppedBits(Dropped), .ActivityWidth(A), .PreWidth(A), .RateWidth(2),
    .GradientWidth(Gradient), .ForwardWidth(12), .TransposedWidth(10), .Feedback(Feedback), .Decay(Decay),
    .UpdateShift(Shift), .WeightRounding(Rounding), .WeightOverflow(Overflow), .UniformWidth(1)
  ) u_dut (
    .clk_i(clk_i), .valid3_i(valid3_i), .first3_i(first3_i), .last3_i(last3_i), .learn3_i(learn3_i),
    .drive3_i(drive3_i), .back3_i(back3_i), .clear_a3_i(clear_a3_i), .clear_b3_i(clear_b3_i), .post_a3_i(post_a3_i),
    .post_b3_i(post_b3_i), .reset_activity3_i(reset_activity3_i), .pre_a4_i(pre_a4_i), .pre_b4_i(pre_b4_i),
    .pre_forward4_i(pre_forward4_i), .rate5_i(rate5_i), .column_key5_i(column_key5_i), .width6_i(S[5:0]),
    .weights5_i(weights5_i), .write8_o(write8), .write_data8_o(write_data8), .back5_i(back5_i),
    .write_back8_o(write_back8), .write_back_data8_o(write_back_data8), .write_fold8_o(),
    .transposed10_o(transposed10), .chain_head_o(chain_head), .chain_shift_i(chain_shift_i)
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

  // Post-synaptic activities of the chunk, then everything of the column in the cycle of its weight word (stage 5).
  reg valid4 = 0, valid5 = 0, first4 = 0, first5 = 0, last4 = 0, last5 = 0, learn4 = 0, learn5 = 0, drive4 = 0, drive5 = 0;
  reg back4 = 0, back5 = 0;
  reg signed [A-1:0] post_a0, post_a1, post_b0, post_b1;          // stage 4
  reg signed [A-1:0] a0, a1, b0, b1, pre_a, pre_b, pre;           // stage 5
  wire signed [A-1:0] in_a0 = clear_a3_i ? reset_activity3_i : post_a3_i[A-1:0], in_a1 = clear_a3_i ? reset_activity3_i : post_a3_i[2*A-1:A];
  wire signed [A-1:0] in_b0 = clear_b3_i ? reset_activity3_i : post_b3_i[A-1:0], in_b1 = clear_b3_i ? reset_activity3_i : post_b3_i[2*A-1:A];
  always @(posedge clk_i) begin
    {valid5, valid4, first5, first4, last5, last4} <= {valid4, valid3_i, first4, first3_i, last4, last3_i};
    {learn5, learn4, drive5, drive4} <= {learn4, learn3_i, drive4, drive3_i};
    {back5, back4} <= {back4, back3_i};
    if (first3_i) {post_a0, post_a1, post_b0, post_b1} <= {in_a0, in_a1, in_b0, in_b1};
    {a0, a1, b0, b1} <= {post_a0, post_a1, post_b0, post_b1};
    {pre_a, pre_b, pre} <= {pre_a4_i, pre_b4_i, pre_forward4_i};
  end

  `include "mixer.vh"
  wire [31:0] random = mix_row(column_key5_i);
  wire signed [S-1:0] next0, next1, back_next0, back_next1;
  // Forward: with vector fields (post_a - post_b) pre_b, else a difference of products.
  wire signed [A-1:0] pre_of_a = (Feedback == 1) ? pre_b : pre_a;
  wire signed [15:0] increment0 = (a0 * pre_of_a - b0 * pre_b) * rate5_i;
  wire signed [15:0] increment1 = (a1 * pre_of_a - b1 * pre_b) * rate5_i;
  wire signed [15:0] increment_back0 = (Feedback == 1) ? (b0 * pre_a - b0 * pre_b) * rate5_i : increment0;
  wire signed [15:0] increment_back1 = (Feedback == 1) ? (b1 * pre_a - b1 * pre_b) * rate5_i : increment1;
  plain_update #(.S(S), .Decay(Decay), .Shift(Shift), .Rounding(Rounding), .Overflow(Overflow)) u_next0 (
    .weight_i(weights5_i[S-1:0]), .increment_i(increment0), .random_i({random[15:0], random[31:16]}), .next_o(next0));
  plain_update #(.S(S), .Decay(Decay), .Shift(Shift), .Rounding(Rounding), .Overflow(Overflow)) u_next1 (
    .weight_i(weights5_i[2*S-1:S]), .increment_i(increment1), .random_i(random), .next_o(next1));
  plain_update #(.S(S), .Decay(Decay), .Shift(Shift), .Rounding(Rounding), .Overflow(Overflow)) u_back0 (
    .weight_i(back5_i[S-1:0]), .increment_i(increment_back0), .random_i({random[15:0], random[31:16]}), .next_o(back_next0));
  plain_update #(.S(S), .Decay(Decay), .Shift(Shift), .Rounding(Rounding), .Overflow(Overflow)) u_back1 (
    .weight_i(back5_i[2*S-1:S]), .increment_i(increment_back1), .random_i(random), .next_o(back_next1));
  wire signed [S-1:0] w0 = learn5 ? next0 : weights5_i[S-1:0], w1 = learn5 ? next1 : weights5_i[2*S-1:S];
  wire signed [S-1:0] v0 = (Feedback == 0) ? w0 : learn5 ? back_next0 : back5_i[S-1:0];
  wire signed [S-1:0] v1 = (Feedback == 0) ? w1 : learn5 ? back_next1 : back5_i[2*S-1:S];
  wire signed [S-1:0] read0 = w0 >>> Dropped, read1 = w1 >>> Dropped, seen0 = v0 >>> Dropped, seen1 = v1 >>> Dropped;
  wire signed [9:0] transposed = seen0 * a0 + seen1 * a1;
  reg signed [11:0] sum0, sum1;
  wire signed [11:0] forward0 = read0 * pre + (first5 ? 12'sd0 : sum0);
  wire signed [11:0] forward1 = read1 * pre + (first5 ? 12'sd0 : sum1);
  // A chunk is followed from its first column on.
  reg f_known = 1'b0;
  wire f_knows = first5 || f_known;
  always @(posedge clk_i) if (valid5) begin
    f_known <= f_knows && !last5;
    if (drive5) {sum0, sum1} <= {forward0, forward1};
  end
  // All columns of a pass drive, or none does.
  reg f_drives;
  always @(posedge clk_i) if (first3_i) f_drives <= drive3_i;
  always @* assume (!valid3_i || first3_i || drive3_i == f_drives);

  // Delay lines.
  reg [WriteDelay-1:0] f_write = 0, f_write_back = 0;
  reg [2*S*WriteDelay-1:0] f_word = 0, f_word_back = 0;
  reg [SumDelay-1:0] f_column = 0, f_chunk = 0;
  reg [10*SumDelay-1:0] f_transposed = 0;
  reg [24*SumDelay-1:0] f_forward = 0;
  always @(posedge clk_i) begin
    f_write <= {f_write, valid5 && learn5 && f_knows};
    f_write_back <= {f_write_back, valid5 && learn5 && back5 && f_knows && Feedback != 0};
    f_word <= {f_word, w1, w0};
    f_word_back <= {f_word_back, v1, v0};
    f_column <= {f_column, valid5 && drive5 && f_knows};
    f_chunk <= {f_chunk, valid5 && drive5 && f_knows && last5};
    f_transposed <= {f_transposed, transposed};
    f_forward <= {f_forward, forward1, forward0};
  end
  reg f_shifted = 1'b0;
  reg signed [11:0] f_second;
  always @(posedge clk_i) begin
    f_shifted <= f_chunk[SumDelay-1] && chain_shift_i;
    f_second <= f_forward[24*SumDelay-1-:12];
  end
  wire f_loads = f_chunk[SumDelay-1];
  always @* begin
    if (f_write[WriteDelay-1]) assert (write8 && write_data8 == f_word[2*S*WriteDelay-1-:2*S]);
    if (f_write_back[WriteDelay-1]) assert (write_back8 && write_back_data8 == f_word_back[2*S*WriteDelay-1-:2*S]);
    if (f_column[SumDelay-1]) assert (transposed10 == $signed(f_transposed[10*SumDelay-1-:10]));
    // The chunk's sums leave one after the other: lane 0, after a shift lane 1.
    if (f_loads) assert (chain_head == $signed(f_forward[24*SumDelay-13-:12]));
    if (f_shifted && !f_loads) assert (chain_head == f_second);
  end

  always @* cover (f_loads && chain_head == 2 && f_forward[24*SumDelay-1-:12] == 12'd1);
  always @* cover (f_write[WriteDelay-1] && write_data8 == 6'o34 && f_column[SumDelay-1] && transposed10 == -2);
  always @* cover (f_shifted && chain_head == -4);

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
  wire signed [9:0] exact = increment_i - weight_i * Decay;
  wire signed [9:0] rounded;
  requantise #(.InWidth(10), .Shift(Shift), .OutWidth(10), .OutSigned(1), .Rounding(Rounding), .Overflow(0)) u_round (
    .in_i(exact), .random_i(random_i), .out_o(rounded), .saturated_o());
  wire signed [10:0] sum = rounded + weight_i;
  requantise #(.InWidth(11), .Shift(0), .OutWidth(S), .OutSigned(1), .Rounding(0), .Overflow(Overflow)) u_bounds (
    .in_i(sum), .random_i(32'd0), .out_o(next_o), .saturated_o());
endmodule

`default_nettype wire
