// What sequencer.v leaves out, put into the module before its endmodule: whatever a pass is said to have changed,
//
//   counter   an operation moves the step counter on by all its passes, made or left out
//   still     a relaxation ends before its last pass only behind a pass that changed nothing (in even/odd order: two, both
//             of this relaxation), with something to compare with
//   to and fro  without that, only an even number is left out, behind a pass that brought back the states before the last
//             one, which is neither the relaxation's first nor one of the first two behind a loaded state

  reg f_past = 1'b0;
  always @(posedge clk_i) f_past <= 1'b1;
  always @* assume (rst_ni == f_past);

  (* anyconst *) reg [(16 << ProgramWidth)-1:0] f_rom;
  wire [15:0] f_word = f_rom >> {pc_q, 4'd0};
  always @* begin
    assume (op_i == f_word[2:0]);
    assume (op_steps_i == f_word[6:4]);
    assume (op_nudge_i == {1'b0, f_word[7]});
    assume (op_plastic_i == f_word[8]);
    assume (op_i != OpRelax || op_steps_i != 0);
    // In even/odd order a relaxation has an even number of passes.
    assume (EvenOdd == 0 || !op_steps_i[0]);
    assume (op_i != OpAgain);  // of complex states only
    assume (!(&pc_q) || op_i > OpApply);
    assume (drive_wait_i < 4 && learn_wait_i < 4);
    assume (columns_i == 1 && last_chunk_i == 0 && sample_count_i == 1);
  end

  // The passes of a relaxation, as they are made.
  reg [StepWidth-1:0] f_begin = 0;
  reg [PassWidth-1:0] f_steps = 0, f_made = 0;
  reg f_plastic = 1'b0, f_nudged = 1'b0, f_relaxing = 1'b0, f_ended = 1'b0;
  reg [1:0] f_quiet = 0;     // passes without a change in succession, at most two
  reg [1:0] f_known = 0;     // states that there are to compare with, at most two
  reg f_went_back = 1'b0;    // some pass brought back the states before the last one
  wire f_decode = f_past && state_q == StDecode;
  wire f_makes = f_past && state_q == StAdvance && drive_o;
  wire f_learned = f_past && state_q == StAdvance && !drive_o;
  always @(posedge clk_i) begin
    f_ended <= 1'b0;
    if (f_past && state_q == StIdle) f_known <= 2'd2;
    if (f_decode && op_i == OpLoad) f_known <= 2'd0;
    if (f_decode && op_i == OpRelax) begin
      f_begin <= step_o;
      f_steps <= op_steps_i;
      f_made <= 0;
      f_plastic <= op_plastic_i;
      f_nudged <= (op_nudge_i != 0);
      f_relaxing <= 1'b1;
      f_quiet <= 2'd0;
      f_went_back <= 1'b0;
    end
    if (f_makes) begin
      f_made <= f_made + 1'b1;
      f_quiet <= (changed_i || f_known == 0) ? 2'd0 : f_quiet[1] ? 2'd2 : f_quiet + 2'd1;
      if (!differs_i && f_made != 0 && f_known[1]) f_went_back <= 1'b1;
      if (!f_known[1]) f_known <= f_known + 2'd1;
    end
    if (f_relaxing && ((f_makes && !more && !op_plastic_i) || f_learned)) begin
      f_relaxing <= 1'b0;
      f_ended <= 1'b1;
    end
  end
  wire f_still = (f_quiet >= ((EvenOdd != 0) ? 2'd2 : 2'd1));
  wire [PassWidth-1:0] f_left_out = f_steps - f_made;
  wire [StepWidth-1:0] f_moved = step_o - f_begin;
  always @* if (f_ended) begin
    assert (f_moved == f_steps + f_plastic);
    assert (f_made <= f_steps);
    if (f_left_out != 0 && !f_still)
      assert (EvenOdd == 0 && !f_plastic && !f_left_out[0] && f_went_back);
    if (f_left_out != 0) assert ((StillPlastic != 0 || !f_plastic) && (StillNudged != 0 || !f_nudged));
  end
  always @* cover (f_ended && f_left_out > 3 && f_still);
  always @* cover (f_ended && f_left_out == 2 && !f_still);
  always @* cover (f_ended && f_left_out != 0 && f_plastic);
