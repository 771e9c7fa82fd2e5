// Properties of sequencer.v, put into the module before its endmodule, as bind would. Any phase program, any layer
// table and any waiting times within the widths (waits for a chunk's slot below four); see tests/formal/proofs.toml.
//
//   columns   every pass visits each column of each chunk of each layer once, in order, under the right address
//   passes    every operation makes as many passes as it says, and layer 1 is left out only when its sums are fresh
//   states    saved, loaded and previous states are what they were when their pointer was taken
//   stream    a result stays until it is taken, and releases its sample once
//   progress  a rank falls in every cycle that does not wait for the world outside

  reg f_past = 1'b0;
  always @(posedge clk_i) f_past <= 1'b1;
  always @* assume (rst_ni == f_past);

  // The world: a program that ends, at least one step, operands that exist.
  (* anyconst *) reg [(16 << ProgramWidth)-1:0] f_rom;
  wire [15:0] f_word = f_rom >> {pc_q, 4'd0};
  always @* begin
    assume (op_i == f_word[2:0]);
    assume (op_steps_i == f_word[4:3]);
    assume (op_nudge_i == f_word[6:5]);
    assume (op_plastic_i == f_word[7]);
    assume (op_slot_i == f_word[8]);
    assume (op_a_i == f_word[11:9]);
    assume (op_b_i == f_word[14:12]);
    assume (op_i != OpRelax || op_steps_i != 0);
    assume (op_i != OpAgain);  // of complex states only
    assume (!(&pc_q) || op_i > OpApply);
  end
  // A table of two layers; a sample of any number of inputs that are not zero.
  (* anyconst *) reg [CountWidth-1:0] f_columns1, f_columns2;
  (* anyconst *) reg [ChunkWidth-1:0] f_chunk1, f_chunk2;
  (* anyconst *) reg [AddressWidth-1:0] f_base1, f_base2, f_row1, f_row2;
  wire f_first_layer = (layer_q == 1);
  always @* begin
    assume (columns_i == (f_first_layer ? f_columns1 : f_columns2));
    assume (last_chunk_i == (f_first_layer ? f_chunk1 : f_chunk2));
    assume (base_i == (f_first_layer ? f_base1 : f_base2));
    assume (row_length_i == (f_first_layer ? f_row1 : f_row2));
    assume (!(&f_columns1) && !(&f_columns2));
    assume (drive_wait_i < 4 && learn_wait_i < 4);
    assume (!(&sample_count_i));
  end
  reg [CountWidth-1:0] f_count = 0;
  always @(posedge clk_i) f_count <= sample_count_i;
  // The sample stays until it is released.
  always @* assume (state_q == StIdle || (sample_full_i && (sample_count_i == f_count)));

  // Columns.
  reg f_open = 1'b0;
  reg [LayerWidth-1:0] f_layer = 0;
  reg [ChunkWidth-1:0] f_chunk = 0;
  reg [CountWidth-1:0] f_entry = 0;
  reg [AddressWidth-1:0] f_row = 0;
  reg f_stale = 1'b1;
  wire f_decode = f_past && state_q == StDecode;
  wire f_advance = f_past && state_q == StAdvance;
  wire f_start = f_past && sample_start_o && !sample_release_o && state_q == StIdle;
  wire f_begins_relax = f_decode && op_i == OpRelax;
  wire f_begins_learn = f_decode && (op_i == OpLearn || op_i == OpApply);
  // Passes: of this operation still to come, the present one included.
  reg [3:0] f_drives = 0;
  reg f_last_learn = 0, f_learns = 0, f_applies = 0, f_pass_drives = 0;
  wire f_again = f_advance && (f_drives > 1 || f_last_learn);
  wire f_next_drives = f_begins_relax || (f_advance && f_drives > 1);
  wire f_next_learns = f_begins_learn || (f_advance && f_plastic);
  reg f_plastic = 0;
  wire f_stale_now = f_advance ? !f_pass_drives : f_stale;
  wire [CountWidth-1:0] f_columns = 
      (f_layer == 1 && f_applies) ? f_columns1 : (f_layer == 1) ? sample_count_i : f_columns2;
  wire f_bias = (f_entry == f_columns);
  wire f_chunk_last = (f_chunk == ((f_layer == 1) ? f_chunk1 : f_chunk2));
  always @(posedge clk_i) begin
    if (f_start) f_stale <= 1'b1;
    else if (f_advance) f_stale <= f_stale_now;
    if (f_begins_relax) begin
      f_drives <= op_steps_i;
      f_plastic <= op_plastic_i;
      f_last_learn <= op_plastic_i;
    end
    if (f_begins_learn) begin
      f_drives <= 0;
      f_plastic <= 0;
      f_last_learn <= 0;
    end
    if (f_advance && f_drives != 0) f_drives <= f_drives - 1;
    if (f_advance && f_drives <= 1) f_last_learn <= 0;
    if (f_begins_relax || f_begins_learn || f_again) begin
      f_open <= 1'b1;
      f_pass_drives <= f_next_drives;
      f_learns <= f_next_learns;
      f_applies <= f_begins_learn && op_i == OpApply;
      f_layer <= (f_next_learns || f_stale_now) ? 1 : 2;
      f_chunk <= 0;
      f_entry <= 0;
    end else if (valid0_o) begin
      f_entry <= f_entry + 1;
      if (f_bias) begin
        f_entry <= 0;
        f_chunk <= f_chunk + 1;
        if (f_chunk_last) begin
          f_chunk <= 0;
          f_layer <= f_layer + 1;
          if (f_layer == 2) f_open <= 1'b0;
        end
      end
    end
  end
  always @* if (f_past) begin
    if (valid0_o) begin
      assert (f_open);
      assert (layer_o == f_layer && chunk_o == f_chunk && entry_o == f_entry);
      assert (first0_o == (f_entry == 0) && bias0_o == f_bias);
      assert (first_chunk0_o == (f_chunk == 0) && last_chunk0_o == f_chunk_last);
      assert (f_chunk != 0 || row_base_o == base_i);
      assert (f_chunk != 1 || row_base_o == base_i + row_length_i);
      assert (drive_o == f_pass_drives && learn_o == f_learns && apply_o == f_applies);
    end
    // A pass ends when all its columns were visited.
    if (f_advance || f_decode) assert (!f_open);
    if (state_q == StDrain) assert (!f_open);
    if (f_decode) assert (f_drives == 0 && !f_last_learn);
  end

  // States: one committed vector is marked, any of them (f_pick). Wherever the program names it, the pointer must lead
  // to the bank that holds it, and nowhere else. The state before the first step has no bank.
  (* anyseq *) reg f_pick;
  reg f_picked = 0;
  reg [(1<<BankWidth)-1:0] f_holds = 0;
  localparam [1:0] None = 2'b00, Marked = 2'b01, Reset = 2'b10;
  reg [1:0] f_now = Reset, f_previous = Reset, f_slot0 = Reset, f_slot1 = Reset;
  wire f_committed = f_advance && f_pass_drives;
  wire [1:0] f_new = (f_pick && !f_picked) ? Marked : None;
  always @(posedge clk_i) begin
    if (f_start) begin
      f_now <= Reset;
      f_previous <= Reset;
      f_slot0 <= Reset;
      f_slot1 <= Reset;
      f_picked <= 1'b0;
      f_holds <= 0;
    end else if (f_committed) begin
      f_holds[next_q] <= f_new[0];
      if (f_new[0]) f_picked <= 1'b1;
      f_now <= f_new;
      f_previous <= f_now;
    end else if (f_decode && op_i == OpSave) begin
      if (op_slot_i) f_slot1 <= f_now;
      else f_slot0 <= f_now;
    end else if (f_decode && op_i == OpLoad) f_now <= op_slot_i ? f_slot1 : f_slot0;
  end
  reg [1:0] f_a = None, f_b = None;
  always @(posedge clk_i) begin
    if (f_begins_relax || f_again) begin
      f_a <= f_committed ? f_new : f_now;
      f_b <= f_committed ? f_now : f_previous;
    end
    if (f_begins_learn) begin
      f_a <= op_a_i[2] ? (op_a_i[0] ? f_slot1 : f_slot0) : op_a_i[1] ? f_previous : f_now;
      f_b <= op_b_i[2] ? (op_b_i[0] ? f_slot1 : f_slot0) : op_b_i[1] ? f_previous : f_now;
    end
  end
  wire [1:0] f_read_a = a_q[BankWidth] ? Reset : {1'b0, f_holds[a_q[BankWidth-1:0]]};
  wire [1:0] f_read_b = b_q[BankWidth] ? Reset : {1'b0, f_holds[b_q[BankWidth-1:0]]};
  wire [1:0] f_read_now = now_q[BankWidth] ? Reset : {1'b0, f_holds[now_q[BankWidth-1:0]]};
  always @* if (f_past && valid0_o) begin
    assert (f_read_a == f_a);
    // In a step without an update nobody looks at b.
    if (f_learns) assert (f_read_b == f_b);
    assert (f_read_now == f_now);
    // What is read in a step is not what it writes.
    if (f_pass_drives) begin
      assert (a_q != {1'b0, next_q} && now_q != {1'b0, next_q});
      assert (!f_learns || b_q != {1'b0, next_q});
    end
  end

  // Streams.
  reg f_result = 1'b0, f_taken = 1'b0, f_busy = 1'b0, f_reads = 1'b0, f_started = 1'b0;
  reg [31:0] f_cycles_before = 0, f_reads_before = 0;
  always @(posedge clk_i) begin
    f_result <= f_past && result_valid_o && !result_ready_i;
    f_taken <= f_past && result_valid_o && result_ready_i;
    f_busy <= f_past && busy_o && !result_valid_o;
    f_reads <= f_past && valid0_o;
    f_started <= f_start;
    f_cycles_before <= cycles_o;
    f_reads_before <= reads_o;
  end
  always @* if (f_past) begin
    if (f_result) assert (result_valid_o);
    assert (sample_release_o == f_taken);
    if (f_started) assert (cycles_o == 0 && reads_o == 0);
    else if (f_busy) assert (cycles_o == f_cycles_before + 32'd1 && reads_o == f_reads_before + f_reads);
    else if (f_result) assert (cycles_o == f_cycles_before && reads_o == f_reads_before);
  end

  always @* cover (f_taken && f_picked && f_now == None);
  always @* cover (f_past && valid0_o && chunk_o == 1 && layer_o == 2 && learn_o && drive_o);
  always @* cover (f_past && state_q == StPad && pad_q == 2);
  always @* cover (f_past && valid0_o && apply_o && layer_o == 2 && chunk_o == 1);
  always @* cover (f_past && valid0_o && f_learns && f_a == Marked && f_b == None && !drive_o && op_a_i[2]);
