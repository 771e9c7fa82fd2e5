// SPDX-License-Identifier: Apache-2.0
// Packets of an AXI4-Stream to samples.
//
// A packet is one sample: first a header (label in the lower half, train in bit 31, and where the core learns in batches
// the end of one in bit 30, the set of learning rates in bits 29:27), then the inputs, each in the lower
// bits of a slot of 8, 16 or 32 bits, slot 0 of a beat first; tlast comes with the last input. Slots behind that are
// padding. What keeps to this reaches the core one value per cycle; any other packet is dropped whole, the core forgets
// the inputs it has seen of it (drop_o with last_o), and the next packet starts behind its tlast:
//
//   short   tlast came before the last input, or tkeep leaves out one of the inputs' bytes
//   long    tlast did not come with the last input
//   label   the header's label is no class; its other bits must be zero too
//
// SlotWidth    8, 16 or 32
// InputWidth   bits of an input, at most SlotWidth; upper bits of a slot are not looked at
// CountWidth   bits of a number 0 .. Inputs
// Batched      1: bit 30 of the header has a meaning
// RateSets     sets of learning rates, 1 to 8: bits 29:27 are below it
// Latency      a beat's first value is offered one cycle after the beat; tready is low while its values leave

`default_nettype none

module stream_samples #(
  parameter SlotWidth = 8,
  parameter InputWidth = 8,
  parameter Inputs = 64,
  parameter CountWidth = 7,
  parameter LabelWidth = 4,
  parameter Classes = 10,
  parameter Batched = 0,
  parameter RateSets = 1
) (
  input  wire                  clk_i,
  input  wire                  rst_ni,
  // Stream.
  input  wire                  tvalid_i,
  output wire                  tready_o,
  input  wire [31:0]           tdata_i,
  input  wire [3:0]            tkeep_i,
  input  wire                  tlast_i,
  // Samples.
  output wire                  valid_o,
  input  wire                  ready_i,
  output wire [InputWidth-1:0] data_o,
  output wire                  last_o,
  output wire                  drop_o,
  output wire [LabelWidth-1:0] label_o,
  output wire                  train_o,
  output wire                  ends_batch_o,
  output wire [2:0]            rates_o,
  // One cycle each.
  output reg                   short_o,
  output reg                   long_o,
  output reg                   bad_label_o
);

  localparam Slots = 32 / SlotWidth;
  localparam Rest = (Inputs - 1) % Slots;                 // slot of the last input in its beat
  localparam FirstRest = Inputs - 1 - Rest;               // number of that beat's first input
  localparam SlotsLess = Slots - 1;
  localparam [CountWidth-1:0] LastBeat = FirstRest[CountWidth-1:0];
  localparam [1:0] LastSlot = SlotsLess[1:0], RestSlot = Rest[1:0];
  localparam RestBytes = (Rest + 1) * SlotWidth / 8;
  localparam [3:0] RestKeep = 4'hF >> (4 - RestBytes);

  localparam [1:0] StHeader = 2'd0, StInputs = 2'd1, StSwallow = 2'd2;

  reg [1:0] state_q;
  reg open_q;                     // out of reset
  reg held_q, final_q, drop_q;    // a beat is on its way to the core
  reg [31:0] beat_q;
  reg [1:0] slot_q;
  reg [CountWidth-1:0] position_q;
  reg [LabelWidth-1:0] label_q;
  reg train_q, ends_batch_q;
  reg [2:0] rates_q;

  wire take = tvalid_i && tready_o;
  wire final_beat = (position_q == LastBeat);
  wire whole = final_beat ? ((tkeep_i & RestKeep) == RestKeep) : (tkeep_i == 4'hF);
  wire is_short = (tlast_i && !final_beat) || !whole;
  wire is_long = final_beat && !tlast_i && whole;
  wire [15:0] header_label = tdata_i[15:0];
  wire is_label = ({1'b0, header_label} < Classes[16:0]) && (tdata_i[26:16] == 11'd0) && ({1'b0, tdata_i[29:27]} < RateSets[3:0])
                  && (Batched != 0 || !tdata_i[30]) && (tkeep_i == 4'hF);
  wire last_slot = drop_q || (slot_q == (final_q ? RestSlot : LastSlot));

  assign tready_o = open_q && !held_q;
  assign valid_o = held_q;
  assign data_o = beat_q[InputWidth-1:0];
  assign last_o = drop_q || (final_q && last_slot);
  assign drop_o = drop_q;
  assign label_o = label_q;
  assign train_o = train_q;
  assign ends_batch_o = ends_batch_q;
  assign rates_o = rates_q;

  always @(posedge clk_i) begin
    short_o <= 1'b0;
    long_o <= 1'b0;
    bad_label_o <= 1'b0;
    open_q <= rst_ni;
    if (!rst_ni) begin
      state_q <= StHeader;
      held_q <= 1'b0;
      final_q <= 1'b0;
      drop_q <= 1'b0;
      position_q <= {CountWidth{1'b0}};
      slot_q <= 2'd0;
    end else begin
      if (held_q && ready_i) begin
        slot_q <= slot_q + 2'd1;
        if (last_slot) held_q <= 1'b0;
      end
      if (take) begin
        case (state_q)
          StHeader: begin
            position_q <= {CountWidth{1'b0}};
            if (tlast_i) begin
              short_o <= 1'b1;
            end else if (!is_label) begin
              bad_label_o <= 1'b1;
              state_q <= StSwallow;
            end else begin
              state_q <= StInputs;
            end
          end
          StInputs: begin
            held_q <= 1'b1;
            slot_q <= 2'd0;
            position_q <= position_q + Slots[CountWidth-1:0];
            final_q <= final_beat;
            drop_q <= is_short || is_long;
            short_o <= is_short;
            long_o <= is_long;
            if (tlast_i) state_q <= StHeader;
            else if (is_short || is_long) state_q <= StSwallow;
          end
          default: if (tlast_i) state_q <= StHeader;
        endcase
      end
    end
    if (take && state_q == StHeader) begin
      label_q <= tdata_i[LabelWidth-1:0];
      train_q <= tdata_i[31];
      ends_batch_q <= tdata_i[30];
      rates_q <= tdata_i[29:27];
    end
    if (take) beat_q <= tdata_i;
    else if (held_q && ready_i) beat_q <= beat_q >> SlotWidth;
  end

endmodule

`default_nettype wire
