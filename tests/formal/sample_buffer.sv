// Properties of sample_buffer.v, put into the module before its endmodule, as bind would.
//
//   control   as many samples are held as were taken and not released; ready and full say just that
//   data      a value of any sample at any position is found in the list, once, unless it is zero
//
// A sample that is dropped with its last value is none.

  // Reset first, then never again.
  reg f_past = 1'b0;
  always @(posedge clk_i) f_past <= 1'b1;
  always @* assume (rst_ni == f_past);

  // Values of the sample so far, counted here and not by what is to be proven.
  reg [CountWidth-1:0] f_beats = 0;
  always @(posedge clk_i) if (f_past && valid_i && ready_o) f_beats <= last_i ? 0 : f_beats + 1;

  // The reader releases what it has; a sample has at most 2^CountWidth - 1 values.
  always @* assume (!release_i || full_o);
  always @* assume (f_beats != (1 << CountWidth) - 2 || last_i);

  // Whole samples so far.
  reg [3:0] f_taken = 4'd0, f_released = 4'd0;
  always @(posedge clk_i) if (f_past) begin
    f_taken <= f_taken + (valid_i && ready_o && last_i && !drop_i);
    f_released <= f_released + release_i;
  end
  wire [3:0] f_held = f_taken - f_released;
  always @* if (f_past) begin
    assert (f_held <= 2);
    assert (full_o == (f_held != 0));
    assert (ready_o == (f_held != 2));
    // What makes that inductive.
    assert (full_q[0] + full_q[1] == f_held[1:0]);
    assert ((fill_bank_q == read_bank_q) == !f_held[0]);
    assert (f_held != 1 || full_q[read_bank_q]);
    assert (fill_bank_q == f_taken[0]);
    assert (read_bank_q == f_released[0]);
    assert (count_q <= f_beats);
    assert (position_q == f_beats);
  end

  // One value of one sample, any of them: f_pick chooses the sample once, f_position the value.
  (* anyseq *) reg f_pick;
  (* anyconst *) reg [CountWidth-1:0] f_position;
  reg f_seen = 1'b0, f_whole = 1'b0, f_gone = 1'b0, f_ahead = 1'b0;
  reg [InputWidth-1:0] f_value = 0;
  reg [CountWidth-1:0] f_rank = 0, f_total = 0, f_at = 0;
  reg [LabelWidth-1:0] f_label = 0;
  reg f_train = 0;
  wire f_taking = f_past && valid_i && ready_o;
  wire f_first = f_taking && f_beats == 0 && f_pick && !f_seen;
  wire f_beat = f_first || (f_taking && f_seen && !f_whole);
  wire f_present = f_past && f_whole && !f_gone && !f_ahead;
  always @(posedge clk_i) if (f_past) begin
    if (f_first) f_seen <= 1'b1;
    if (f_beat) begin
      f_at <= f_at + 1;
      f_total <= f_total + (data_i != 0);
      if (f_at < f_position) f_rank <= f_rank + (data_i != 0);
      if (f_at == f_position) f_value <= data_i;
      if (last_i && drop_i) begin
        f_seen <= 1'b0;
        {f_at, f_total, f_rank, f_value} <= 0;
      end else if (last_i) begin
        f_whole <= 1'b1;
        f_label <= label_i;
        f_train <= train_i;
      end
    end
    // One sample before it, or none.
    if (f_first) f_ahead <= f_held[0] && !release_i;
    else if (release_i) f_ahead <= 1'b0;
    if (f_present && release_i) f_gone <= 1'b1;
  end
  reg f_asked = 1'b0;
  always @(posedge clk_i) f_asked <= f_present && !release_i && entry_i == f_rank && f_value != 0;
  always @* if (f_present) begin
    assert (full_o);
    assert (count_o == f_total);
    assert (label_o == f_label && train_o == f_train);
    if (f_asked) assert (index_o == f_position && value_o == f_value);
  end

  always @* cover (f_asked && f_released == 0 && f_rank == 1 && f_position == 2);
  always @* cover (f_asked && f_released == 2 && f_position == 1);
  always @* cover (f_past && !ready_o && valid_i);
