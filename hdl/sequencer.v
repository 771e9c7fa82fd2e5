// SPDX-License-Identifier: Apache-2.0
// The sequencer: runs the phase program of a sample and walks the loop nest
//
//   for each step: for each layer: for each chunk of P post-synaptic neurons: for each pre-synaptic column, bias last
//
// one column per cycle. Its twin is src/schedule (which predicts every cycle spent here).
//
// State vectors are never moved. A step reads bank `now` and writes bank `next`; saving a state or going back to one
// copies a bank pointer. A pointer carries a reset flag: the state before the first step is zero without being stored.
//
// Stage 0 outputs are valid in the cycle in which valid0_o is high. A pass that makes drives ends Drain cycles after its
// last column, while its last outputs are still on their way (Layout::drain in src/schedule says why that is soon
// enough), or, where a softmax read-out pulls, with the last pull (pulled_i). A pass that only learns ends when its last
// word is written, Write cycles after the column was issued.
//
// Passes that would change nothing are left out (Still): when one has changed no state (EvenOdd: two in succession, one of
// each kind), the relaxation ends; when the states are those before the last pass, an even number of the passes left is not
// made. The step counter goes on by them, since random bits are keyed by it. The rule's twin is src/rules/still.rs.
//
// A pass that learns visits only chunks with a contrast (Chunks): it scans them all first, those of layer 1 where it makes
// drives too, and visits what hdl/contrast_list.v has listed.

`default_nettype none

module sequencer #(
  parameter Layers = 2,            // synapse layers
  parameter Lanes = 16,
  parameter LayerWidth = 2,
  parameter ChunkWidth = 3,
  parameter CountWidth = 7,        // column counter
  parameter AddressWidth = 9,      // weight memory
  parameter BankWidth = 2,
  parameter PassWidth = 16,        // passes of a phase: twice its steps in even/odd order
  parameter StepWidth = 17,        // passes of a sample, more than those of a phase
  parameter ProgramWidth = 4,      // program counter
  parameter InferStart = 4,
  parameter LastStart = 0,         // program of a batch's last training sample
  parameter MinSlot = 4,           // cycles between the first columns of two chunks, at least
  parameter InputSlot = 4,         // the same for layer 1 in passes that make drives
  parameter LayerGap = 2,          // idle cycles between two layers
  parameter Complex = 0,           // 1: a pass under a turned nudge is two, of real and of imaginary parts
  parameter AgainWords = 0,        // how many words of the program are repeated,
  parameter AgainTimes = 1,        // and how often they run
  parameter Still = 0,             // 1: passes that would change nothing are left out,
  parameter StillNudged = 1,       // 1: also under a nudge,
  parameter StillPlastic = 1,      // 1: also where synapses learn
  parameter Chunks = 0,            // 1: passes that learn leave out chunks without contrast
  parameter EvenOdd = 0,           // 1: a pass moves the layers of even or of odd number
  parameter Kernels = 0,           // 1: another unit walks, and a pass that learns does not make drives
  parameter Drain = 20,            // from a pass's last column to its end
  parameter Write = 10,            // the same of one that only learns
  parameter Seek = 8,              // from the last chunk scanned to the first visited
  parameter Settle = 12            // from the last operation until prediction and signature are out
) (
  input  wire                    clk_i,
  input  wire                    rst_ni,
  input  wire                    enable_i,        // samples may start
  // Present sample.
  input  wire                    sample_full_i,
  input  wire                    sample_train_i,
  input  wire                    sample_last_i,   // ends a batch
  input  wire [CountWidth-1:0]   sample_count_i,  // non-zero inputs
  output reg                     sample_release_o,
  // Phase program.
  output wire [ProgramWidth-1:0] program_counter_o,
  input  wire [2:0]              op_i,            // see below
  input  wire [PassWidth-1:0]    op_steps_i,
  input  wire [1:0]              op_nudge_i,
  input  wire                    op_plastic_i,
  input  wire                    op_slot_i,
  input  wire [2:0]              op_a_i,          // {slot, previous, slot number}
  input  wire [2:0]              op_b_i,
  // Layer table, for layer_o.
  input  wire [CountWidth-1:0]   columns_i,       // pre-synaptic neurons (layer 1: the sample's count is used)
  input  wire [ChunkWidth-1:0]   last_chunk_i,
  input  wire [AddressWidth-1:0] base_i,          // first weight word of the layer
  input  wire [AddressWidth-1:0] row_length_i,    // weight words of one chunk
  input  wire [9:0]              drive_wait_i,    // cycles from a chunk's last column to the next slot (not layer 1),
  input  wire [9:0]              learn_wait_i,    // in passes that make drives and in those that only learn
  // With kernels: a column is issued in this cycle, and is the pass's last.
  /* verilator lint_off UNUSED */
  input  wire                    walk_valid_i,
  input  wire                    walk_last_i,
  /* verilator lint_on UNUSED */
  // Stage 0. With kernels, valid0_o is high from the beginning of a pass to its last column.
  output wire                    valid0_o,
  output wire [LayerWidth-1:0]   layer_o,
  output wire [ChunkWidth-1:0]   chunk_o,
  output wire [CountWidth-1:0]   entry_o,
  output wire [AddressWidth-1:0] row_base_o,
  output wire                    first0_o,
  output wire                    bias0_o,
  output wire                    first_chunk0_o,
  output wire                    last_chunk0_o,
  // The pass.
  output reg                     learn_o,
  output reg                     apply_o,         // the pass applies what a batch has summed up, in every column
  output reg                     drive_o,
  output reg  [1:0]              nudge_o,
  output wire                    odd_o,           // even/odd order: the odd layers move (relaxations have an even number of passes)
  output wire [BankWidth:0]      bank_a_o,        // {reset, bank}
  output wire [BankWidth:0]      bank_b_o,
  output wire [BankWidth:0]      bank_now_o,
  output wire [BankWidth-1:0]    bank_next_o,
  output reg  [StepWidth-1:0]    step_o,          // within the sample
  output wire                    step_end_o,      // high for one cycle after a pass
  output wire                    sample_start_o,
  output reg  [3:0]              point_o,         // of the circle, of relaxations and learning
  output wire                    second_o,        // the imaginary parts of a pass under a turned nudge
  input  wire                    pulling_i,       // the pass ends with pulled_i
  input  wire                    pulled_i,
  // Chunks with a contrast.
  output wire                    scan_o,          // layer_o and chunk_o are scanned
  output wire                    list_clear_o,
  output wire                    list_take_o,
  /* verilator lint_off UNUSED */
  input  wire                    list_some_i,     // there is one to visit, that is
  input  wire [LayerWidth-1:0]   list_layer_i,
  input  wire [ChunkWidth-1:0]   list_chunk_i,
  input  wire [AddressWidth-1:0] list_row_base_i,
  /* verilator lint_on UNUSED */
  /* verilator lint_off UNUSED */
  input  wire                    changed_i,       // as the pass ends: a state is not what it was before it,
  input  wire                    differs_i,       // or not what it was before the last one
  /* verilator lint_on UNUSED */
  output wire                    judged_o,        // the two have been taken
  // Result.
  output wire                    read_o,          // the prediction is due
  output wire                    result_valid_o,
  input  wire                    result_ready_i,
  output reg  [31:0]             cycles_o,        // of this sample, from its first operation to its end
  output reg  [31:0]             reads_o,         // of these, cycles that read weights
  output wire                    busy_o
);

  // Operations of a phase program.
  localparam [2:0] OpRelax = 3'd0, OpSave = 3'd1, OpLoad = 3'd2, OpLearn = 3'd3, OpRead = 3'd4, OpApply = 3'd5,
                   OpAgain = 3'd7;  // 6: end

  localparam [3:0] StIdle = 4'd0, StDecode = 4'd1, StRun = 4'd2, StPad = 4'd3, StDrain = 4'd4, StAdvance = 4'd5,
                   StSettle = 4'd6, StResult = 4'd7, StScan = 4'd8, StSeek = 4'd9;
  localparam PadWidth = 10;

  reg [3:0] state_q;
  reg [ProgramWidth-1:0] pc_q;
  reg [LayerWidth-1:0] layer_q;
  reg [ChunkWidth-1:0] chunk_q;
  reg [CountWidth-1:0] entry_q;
  reg [AddressWidth-1:0] row_base_q;
  reg [PadWidth-1:0] pad_q;
  reg [PassWidth-1:0] left_q;
  reg learning_q;        // with kernels: a pass that learns, to be followed by one that makes the same step's drives
  reg input_valid_q;     // the input's drive is in memory, and the weights have not changed since
  reg [BankWidth:0] now_q, previous_q;
  reg [BankWidth-1:0] next_q;
  reg [BankWidth:0] slot0_q, slot1_q;
  reg [BankWidth:0] a_q, b_q;
  reg second_q;
  reg listing_q;         // chunks are those of the list
  reg [7:0] round_q;     // of what is repeated

  // Loop nest.
  wire listed = (layer_q == 1) && !apply_o;  // columns are those of the sample's list
  wire [CountWidth-1:0] columns = listed ? sample_count_i : columns_i;
  wire bias = (entry_q == columns);
  wire last_chunk = (chunk_q == last_chunk_i);
  wire last_layer = ({1'b0, layer_q} == Layers[LayerWidth:0]);
  // Cycles to wait before the next chunk may begin: a chunk keeps its accumulators' way out busy for a while. Constants
  // of the layer, but for layer 1, whose columns are the sample's; known long before they are asked for.
  localparam [31:0] InputSlots = InputSlot, MinSlots = MinSlot;
  wire [31:0] input_length = {{(32-CountWidth){1'b0}}, sample_count_i} + 32'd1;
  reg [PadWidth-1:0] input_drive_wait_q, input_learn_wait_q;
  /* verilator lint_off UNUSED */
  wire [31:0] input_drive_wait = (input_length < InputSlots) ? InputSlots - input_length : 32'd0;
  wire [31:0] input_learn_wait = (input_length < MinSlots) ? MinSlots - input_length : 32'd0;
  /* verilator lint_on UNUSED */
  always @(posedge clk_i) begin
    input_drive_wait_q <= input_drive_wait[PadWidth-1:0];
    input_learn_wait_q <= input_learn_wait[PadWidth-1:0];
  end
  wire [PadWidth-1:0] drive_wait = listed ? input_drive_wait_q : drive_wait_i;
  wire [PadWidth-1:0] learn_wait = listed ? input_learn_wait_q : learn_wait_i;
  wire [PadWidth-1:0] wait_slot = drive_o ? drive_wait : learn_wait;
  // The output layer's neurons and the last hidden layer's share the neuron unit.
  wire chain_gap = last_layer && drive_o && (chunk_q + 1'b1 == last_chunk_i);
  wire ends_layer = listing_q ? !list_some_i : last_chunk;
  wire ends_pass = listing_q ? !list_some_i && !drive_o : last_chunk && last_layer;
  wire layer_gap = ends_layer && drive_o;
  wire [PadWidth-1:0] gap = layer_gap ? LayerGap : chain_gap ? Lanes : 0;
  wire [PadWidth-1:0] pad = wait_slot + gap;

  // The lowest bank that none of four pointers is at. A function, so that a simulator evaluates it once per step.
  function [BankWidth-1:0] free_bank;
    input [BankWidth:0] pointer_a;
    input [BankWidth:0] pointer_b;
    input [BankWidth:0] pointer_c;
    input [BankWidth:0] pointer_d;
    reg [BankWidth:0] candidate;
    integer b;
    begin
      free_bank = {BankWidth{1'b0}};
      for (b = (1 << BankWidth) - 1; b >= 0; b = b - 1) begin
        candidate = {1'b0, b[BankWidth-1:0]};
        if (candidate != pointer_a && candidate != pointer_b && candidate != pointer_c && candidate != pointer_d)
          free_bank = b[BankWidth-1:0];
      end
    end
  endfunction

  function [BankWidth:0] pointer;
    input [1:0] operand;
    input [BankWidth:0] slot;
    begin
      pointer = operand[1] ? slot : operand[0] ? previous_q : now_q;
    end
  endfunction

  assign valid0_o = (state_q == StRun);
  assign scan_o = (Chunks != 0) && (state_q == StScan);
  assign list_clear_o = (state_q == StDecode) || (state_q == StAdvance);
  assign list_take_o =
      list_some_i && ((state_q == StSeek) ? pad_q == 1 : (state_q == StRun) && listing_q && bias);
  assign program_counter_o = pc_q;
  assign layer_o = layer_q;
  assign chunk_o = chunk_q;
  assign entry_o = entry_q;
  assign row_base_o = (chunk_q == 0) ? base_i : row_base_q;
  assign first0_o = (entry_q == 0);
  assign bias0_o = bias;
  assign first_chunk0_o = (chunk_q == 0);
  assign last_chunk0_o = last_chunk;
  assign bank_a_o = a_q;
  assign bank_b_o = b_q;
  assign bank_now_o = now_q;
  assign bank_next_o = next_q;
  assign odd_o = left_q[0];
  // The first of the two passes that one is under a turned nudge.
  wire first_half = (Complex != 0) && drive_o && (nudge_o == 2'd3) && !second_q;
  assign second_o = (Complex != 0) && second_q;
  // What stands still. After a saved state was loaded, known_q counts the passes that have been compared with.
  reg [1:0] known_q;
  reg first_q;           // the relaxation's first pass
  reg quiet_q;           // its last pass has changed nothing
  wire still = !changed_i && (known_q != 2'd0);
  wire skips = (Still != 0) && ((StillNudged != 0) || nudge_o == 2'd0) && ((StillPlastic != 0) || !op_plastic_i);
  wire rests = skips && still && ((EvenOdd == 0) || quiet_q);
  wire returns = skips && (EvenOdd == 0) && !rests && !differs_i && known_q[1] && !first_q && !op_plastic_i;
  // Passes that this one stands for, and whether there is another.
  wire [PassWidth-1:0] passed =
      rests ? left_q : returns ? left_q - {{(PassWidth-1){1'b0}}, !left_q[0]} : {{(PassWidth-1){1'b0}}, 1'b1};
  wire more = rests ? 1'b0 : returns ? !left_q[0] : left_q != 1;
  assign judged_o = (state_q == StAdvance) && drive_o && !first_half;
  assign step_end_o = (state_q == StAdvance) && !learning_q && !first_half;
  assign sample_start_o = (state_q == StIdle) && sample_full_i && enable_i;
  assign read_o = (state_q == StDecode) && (op_i == OpRead);
  assign result_valid_o = (state_q == StResult);
  assign busy_o = (state_q != StIdle);

  always @(posedge clk_i) begin
    sample_release_o <= 1'b0;
    if (!rst_ni) begin
      state_q <= StIdle;
      cycles_o <= 32'd0;
      reads_o <= 32'd0;
    end else begin
      if (state_q != StIdle && state_q != StResult) cycles_o <= cycles_o + 32'd1;
      if ((Kernels != 0) ? walk_valid_i : state_q == StRun) reads_o <= reads_o + 32'd1;

      case (state_q)
        StIdle: begin
          if (sample_start_o && !sample_release_o) begin
            state_q <= StDecode;
            pc_q <= !sample_train_i ? InferStart[ProgramWidth-1:0] : sample_last_i ? LastStart[ProgramWidth-1:0] : {ProgramWidth{1'b0}};
            input_valid_q <= 1'b0;
            step_o <= {StepWidth{1'b0}};
            learning_q <= 1'b0;
            listing_q <= 1'b0;
            second_q <= 1'b0;
            round_q <= 8'd0;
            known_q <= 2'd2;
            cycles_o <= 32'd0;
            reads_o <= 32'd0;
            now_q <= {1'b1, {BankWidth{1'b0}}};
            previous_q <= {1'b1, {BankWidth{1'b0}}};
            next_q <= {BankWidth{1'b0}};
            slot0_q <= {1'b1, {BankWidth{1'b0}}};
            slot1_q <= {1'b1, {BankWidth{1'b0}}};
          end
        end

        StDecode: begin
          pc_q <= pc_q + 1'b1;
          entry_q <= {CountWidth{1'b0}};
          chunk_q <= {ChunkWidth{1'b0}};
          row_base_q <= base_i;
          point_o <= {op_a_i[0], op_b_i};
          case (op_i)
            OpRelax: begin
              pc_q <= pc_q;
              left_q <= op_steps_i;
              first_q <= 1'b1;
              quiet_q <= 1'b0;
              nudge_o <= op_nudge_i;
              learn_o <= 1'b0;
              apply_o <= 1'b0;
              drive_o <= 1'b1;
              a_q <= now_q;
              b_q <= (Complex != 0) ? now_q : previous_q;
              layer_q <= (input_valid_q && Layers != 1) ? 2 : 1;
              state_q <= StRun;
            end
            OpSave: if (op_slot_i) slot1_q <= now_q; else slot0_q <= now_q;
            OpLoad: begin
              now_q <= op_slot_i ? slot1_q : slot0_q;
              known_q <= 2'd0;
            end
            OpLearn, OpApply: begin
              pc_q <= pc_q;
              learn_o <= 1'b1;
              apply_o <= (op_i == OpApply);
              drive_o <= 1'b0;
              a_q <= (Complex != 0) ? now_q : pointer(op_a_i[2:1], op_a_i[0] ? slot1_q : slot0_q);
              b_q <= (Complex != 0) ? now_q : pointer(op_b_i[2:1], op_b_i[0] ? slot1_q : slot0_q);
              layer_q <= 1;
              state_q <= (Chunks != 0 && op_i == OpLearn) ? StScan : StRun;
            end
            OpRead: ;
            OpAgain: if (Complex != 0) begin
              round_q <= (round_q == AgainTimes - 1) ? 8'd0 : round_q + 8'd1;
              if (round_q != AgainTimes - 1) pc_q <= pc_q - AgainWords;
            end
            default: begin
              state_q <= StSettle;
              pad_q <= Settle;
            end
          endcase
        end

        // Which chunks have a contrast: of all layers or, where drives are made, too, of layer 1.
        StScan: begin
          row_base_q <= row_base_o + row_length_i;
          chunk_q <= last_chunk ? {ChunkWidth{1'b0}} : chunk_q + 1'b1;
          if (last_chunk) layer_q <= layer_q + 1'b1;
          if (last_chunk && (drive_o || last_layer)) begin
            state_q <= StSeek;
            pad_q <= Seek;
          end
        end

        // The last of them is compared.
        StSeek: begin
          pad_q <= pad_q - 1'b1;
          if (pad_q == 1) begin
            listing_q <= list_some_i;
            layer_q <= list_some_i ? list_layer_i : 2;
            chunk_q <= list_some_i ? list_chunk_i : {ChunkWidth{1'b0}};
            row_base_q <= list_row_base_i;
            state_q <= (list_some_i || drive_o) ? StRun : StAdvance;
          end
        end

        // Idle cycles before the first column of the next chunk.
        StPad: begin
          pad_q <= pad_q - 1'b1;
          if (pad_q == 1) state_q <= StRun;
        end

        StRun: if (Kernels != 0) begin
          if (walk_last_i) begin
            state_q <= StDrain;
            pad_q <= drive_o ? Drain : Write;
          end
        end else begin
          entry_q <= entry_q + 1'b1;
          if (bias) begin
            entry_q <= {CountWidth{1'b0}};
            row_base_q <= row_base_o + row_length_i;
            if (ends_pass) begin
              state_q <= StDrain;
              pad_q <= drive_o ? Drain : Write;
            end else begin
              if (listing_q && list_some_i) begin
                layer_q <= list_layer_i;
                chunk_q <= list_chunk_i;
                row_base_q <= list_row_base_i;
              end else if (ends_layer) begin
                layer_q <= layer_q + 1'b1;
                chunk_q <= {ChunkWidth{1'b0}};
                listing_q <= 1'b0;
              end else begin
                chunk_q <= chunk_q + 1'b1;
              end
              pad_q <= pad;
              if (wait_slot != 0 || gap != 0) state_q <= StPad;
            end
          end
        end

        StDrain: begin
          pad_q <= pad_q - 1'b1;
          if ((drive_o && pulling_i) ? pulled_i : pad_q == 1) state_q <= StAdvance;
        end

        StAdvance: begin
          if (!learning_q && !first_half) step_o <= step_o + (drive_o ? {{(StepWidth-PassWidth){1'b0}}, passed} : {{(StepWidth-1){1'b0}}, 1'b1});
          chunk_q <= {ChunkWidth{1'b0}};
          listing_q <= 1'b0;
          second_q <= first_half;
          if (drive_o && !first_half) begin
            previous_q <= now_q;
            now_q <= {1'b0, next_q};
            next_q <= free_bank({1'b0, next_q}, now_q, slot0_q, slot1_q);
            a_q <= {1'b0, next_q};
            b_q <= (Complex != 0) ? {1'b0, next_q} : now_q;
            input_valid_q <= 1'b1;
            first_q <= 1'b0;
            quiet_q <= still;
            if (!known_q[1]) known_q <= known_q + 2'd1;
          end
          if (first_half) begin
            input_valid_q <= 1'b1;
            layer_q <= (Layers == 1) ? 1 : 2;
            state_q <= StRun;
          end else if (drive_o && more) begin
            // Another step of this relaxation; with plasticity it first learns from the step just taken.
            left_q <= returns ? {{(PassWidth-1){1'b0}}, 1'b1} : left_q - 1'b1;
            learn_o <= op_plastic_i;
            drive_o <= (Kernels == 0) || !op_plastic_i;
            learning_q <= (Kernels != 0) && op_plastic_i;
            layer_q <= (op_plastic_i || Layers == 1) ? 1 : 2;
            // Where there is one layer, its sums are not kept.
            state_q <= (Chunks != 0 && Layers != 1 && op_plastic_i) ? StScan : StRun;
          end else if (learning_q) begin
            learn_o <= 1'b0;
            drive_o <= 1'b1;
            learning_q <= 1'b0;
            layer_q <= 1;
            state_q <= StRun;
          end else if (drive_o && op_plastic_i) begin
            // The last step's contrast.
            left_q <= {{(PassWidth-1){1'b0}}, 1'b1};
            learn_o <= 1'b1;
            drive_o <= 1'b0;
            layer_q <= 1;
            state_q <= (Chunks != 0) ? StScan : StRun;
          end else begin
            if (learn_o) input_valid_q <= 1'b0;
            pc_q <= pc_q + 1'b1;
            state_q <= StDecode;
          end
        end

        StSettle: begin
          pad_q <= pad_q - 1'b1;
          if (pad_q == 1) state_q <= StResult;
        end

        default: begin
          if (result_ready_i) begin
            state_q <= StIdle;
            sample_release_o <= 1'b1;
          end
        end
      endcase
    end
  end

endmodule

`default_nettype wire
