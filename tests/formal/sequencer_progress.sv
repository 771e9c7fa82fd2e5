// Progress of sequencer.v, put into the module before its endmodule: no state is left waiting for anything but the
// world outside (a sample, the pipeline's end, a reader of the result). A rank falls in every other cycle, so each of
// these stretches is finite. Proven by induction, so for runs of any length.

  reg f_past = 1'b0;
  always @(posedge clk_i) f_past <= 1'b1;
  always @* assume (rst_ni == f_past);

  (* anyconst *) reg [(16 << ProgramWidth)-1:0] f_rom;
  wire [15:0] f_word = f_rom >> {pc_q, 4'd0};
  (* anyconst *) reg [CountWidth-1:0] f_columns1, f_columns2;
  (* anyconst *) reg [ChunkWidth-1:0] f_chunk1, f_chunk2;
  wire f_first_layer = (layer_q == 1);
  reg [CountWidth-1:0] f_count = 0;
  reg f_pulling = 1'b0;
  always @(posedge clk_i) begin
    f_count <= sample_count_i;
    f_pulling <= pulling_i;
  end
  always @* begin
    assume (op_i == f_word[2:0]);
    assume (op_steps_i == f_word[4:3]);
    assume (op_plastic_i == f_word[7]);
    assume (op_i != OpRelax || op_steps_i != 0);
    assume (op_i != OpAgain);  // of complex states only
    assume (!(&pc_q) || op_i > OpApply);
    assume (columns_i == (f_first_layer ? f_columns1 : f_columns2));
    assume (last_chunk_i == (f_first_layer ? f_chunk1 : f_chunk2));
    assume (!(&f_columns1) && !(&f_columns2) && !(&sample_count_i));
    assume (drive_wait_i < 4 && learn_wait_i < 4);
    assume (state_q == StIdle || sample_count_i == f_count);
    // Whether a softmax read-out pulls is a matter of the pass.
    assume (state_q != StDrain || pulling_i == f_pulling);
  end

  // What holds in every state.
  wire f_in_pass = (state_q == StRun || state_q == StPad || state_q == StDrain || state_q == StAdvance);
  always @* if (f_past) begin
    if (f_in_pass) begin
      assert (layer_q == 1 || layer_q == 2);
      assert (chunk_q <= last_chunk_i);
      assert (op_i == OpRelax || op_i == OpLearn || op_i == OpApply);
      assert (apply_o == (op_i == OpApply));
      assert (op_i != OpApply || (!drive_o && learn_o));
      assert (op_i != OpRelax || (left_q >= 1 && left_q <= op_steps_i));
      assert (op_i != OpLearn || (!drive_o && learn_o));
      assert (drive_o || op_i == OpLearn || op_i == OpApply || (op_plastic_i && left_q == 1));
    end
    if (state_q == StRun || state_q == StPad) assert (entry_q <= columns);
    if (state_q == StPad) assert (pad_q != 0 && entry_q == 0);
    if (state_q == StDrain && drive_o && !pulling_i) assert (pad_q != 0 && pad_q <= Drain);
    if (state_q == StSettle) assert (pad_q != 0 && pad_q <= Settle);
  end

  // Passes still to come after this one.
  wire [2:0] f_passes = (op_i == OpRelax && drive_o) ? left_q[1:0] - 2'd1 + op_plastic_i : 3'd0;
  wire [ProgramWidth:0] f_operations = {1'b0, ~pc_q};
  wire [1:0] f_stage = (state_q == StAdvance) ? 2'd0 : (state_q == StDrain) ? 2'd1 : 2'd2;
  wire [PadWidth-1:0] f_pad = (state_q == StPad || state_q == StDrain) ? pad_q : 0;
  wire [LayerWidth-1:0] f_layers = 2 - layer_q;
  wire [ChunkWidth-1:0] f_chunks = last_chunk_i - chunk_q;
  wire [CountWidth-1:0] f_columns_left = columns - entry_q;
  wire [ProgramWidth+PadWidth+LayerWidth+ChunkWidth+CountWidth+7:0] f_rank =
      (state_q == StResult) ? 0
    : (state_q == StSettle) ? pad_q
    : (state_q == StDecode) ? {1'b1, f_operations, {(PadWidth+LayerWidth+ChunkWidth+CountWidth+6){1'b1}}}
    : {1'b1, f_operations, 1'b0, f_passes, f_stage, f_layers, f_chunks, f_pad, f_columns_left};
  reg [ProgramWidth+PadWidth+LayerWidth+ChunkWidth+CountWidth+7:0] f_rank_before = 0;
  reg f_counts = 1'b0;
  wire f_waits = (state_q == StIdle) || (state_q == StResult)
              || (state_q == StDrain && drive_o && pulling_i && !pulled_i);
  always @(posedge clk_i) begin
    f_rank_before <= f_rank;
    f_counts <= f_past && !f_waits;
  end
  always @* if (f_past && f_counts) assert (f_rank < f_rank_before);

  always @* cover (f_counts && state_q == StResult);
  always @* cover (f_counts && state_q == StRun && learn_o && drive_o);
