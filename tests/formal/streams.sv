// Sample buffer and sequencer together, from the sample stream to the result stream: every sample that was taken gives
// one result, in order, with its own label, whatever either side waits; and nothing waits for nothing.

`default_nettype none

module streams_formal (
  input wire clk_i,
  input wire valid_i,
  input wire data_i,
  input wire last_i,
  input wire drop_i,
  input wire [1:0] label_i,
  input wire train_i,
  input wire [1:0] entry_i,
  input wire pulling_i,
  input wire pulled_i,
  input wire result_ready_i
);

  reg f_past = 1'b0;
  always @(posedge clk_i) f_past <= 1'b1;

  wire ready, full, release_sample, train, result_valid, busy, sample_start, valid0;
  wire [1:0] count, label, columns = 2'd1;
  wire program_counter;
  sample_buffer #(.InputWidth(1), .IndexWidth(2), .CountWidth(2), .LabelWidth(2)) u_samples (
    .clk_i(clk_i), .rst_ni(f_past), .valid_i(valid_i), .ready_o(ready), .data_i(data_i), .last_i(last_i),
    .drop_i(drop_i), .label_i(label_i), .train_i(train_i), .full_o(full), .release_i(release_sample),
    .count_o(count), .label_o(label),
    .train_o(train), .entry_i(entry_i), .index_o(), .value_o()
  );
  // Training: one step, then an update; a test sample ends at once.
  sequencer #(
    .Layers(1), .Lanes(2), .LayerWidth(1), .ChunkWidth(1), .CountWidth(2), .AddressWidth(2), .BankWidth(2),
    .ProgramWidth(1), .InferStart(1), .Drain(3), .Settle(2)
  ) u_sequencer (
    .clk_i(clk_i), .rst_ni(f_past), .enable_i(1'b1), .sample_full_i(full), .sample_train_i(train),
    .sample_last_i(1'b0), .sample_count_i(count), .sample_release_o(release_sample),
    .program_counter_o(program_counter),
    .op_i(program_counter ? 3'd6 : 3'd0), .op_steps_i(16'd1), .op_nudge_i(2'd0), .op_plastic_i(1'b1),
    .op_slot_i(1'b0), .op_a_i(3'd0), .op_b_i(3'd0), .columns_i(columns), .last_chunk_i(1'b0), .base_i(2'd0),
    .row_length_i(2'd3), .drive_wait_i(10'd0), .learn_wait_i(10'd0), .valid0_o(valid0), .layer_o(),
    .chunk_o(), .entry_o(), .row_base_o(), .first0_o(), .bias0_o(),
    .first_chunk0_o(), .last_chunk0_o(), .learn_o(), .apply_o(), .drive_o(), .nudge_o(), .odd_o(),
    .bank_a_o(), .bank_b_o(), .bank_now_o(),
    .bank_next_o(), .step_o(), .step_end_o(), .sample_start_o(sample_start), .pulling_i(pulling_i),
    .pulled_i(pulled_i),
    .read_o(), .result_valid_o(result_valid), .result_ready_i(result_ready_i),
    .cycles_o(), .reads_o(), .busy_o(busy)
  );

  // Samples of one or two values.
  reg f_second = 1'b0;
  wire f_beat = f_past && valid_i && ready;
  always @(posedge clk_i) if (f_beat) f_second <= !last_i;
  always @* assume (!f_second || last_i);

  // One sample, any of them, and how many results come before its own.
  (* anyseq *) reg f_pick;
  reg f_seen = 1'b0, f_gone = 1'b0;
  reg [1:0] f_ahead = 2'd0, f_label, f_held = 2'd0;
  wire f_taken = f_beat && last_i && !drop_i;
  wire f_result = f_past && result_valid && result_ready_i;
  wire f_first = f_taken && f_pick && !f_seen;
  always @(posedge clk_i) begin
    f_held <= f_held + f_taken - f_result;
    if (f_first) begin
      f_seen <= 1'b1;
      f_label <= label_i;
      f_ahead <= f_held - f_result;
    end else if (f_result) f_ahead <= f_ahead - (f_ahead != 0);
    if (f_seen && f_ahead == 0 && f_result) f_gone <= 1'b1;
  end
  // Nobody waits for a sample that is there.
  reg [1:0] f_idle = 2'd0;
  always @(posedge clk_i) f_idle <= (f_past && f_held != 0 && !busy) ? f_idle + (f_idle != 2'd3) : 2'd0;
  always @* if (f_past) begin
    assert (f_held <= 2);
    if (f_held == 0) assert (!result_valid && ready);
    if (f_held < 1) assert (ready);
    if (f_seen && !f_gone && f_ahead == 0 && result_valid) assert (label == f_label);
    assert (f_idle <= 2);
  end

  always @* cover (f_gone && f_ahead == 0 && f_held == 2);
  always @* cover (f_past && f_held == 2 && valid_i && result_valid && !result_ready_i);

endmodule

`default_nettype wire
