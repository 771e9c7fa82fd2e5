// SPDX-License-Identifier: Apache-2.0
// Random access to the weights through the core's host port, which knows whole words and a shift register only.
//
// The word last used stays in the shift register. It is turned until the weight in question lies at its end: read there,
// or replaced on its way round. A changed word goes back before another one is fetched, and before the core starts.
// Going through the weights in order costs two cycles a weight, and five more a word.
//
// A request is held until acknowledge_o. It is refused while the core runs (open_i low).
//
// Latency: 2 cycles for the weight at the end; up to 3 * Lanes + 8 where a changed word must go back first.

`default_nettype none

module weight_window #(
  parameter Lanes = 16,
  parameter LaneWidth = 4,
  parameter HostWidth = 9,
  parameter StoredWidth = 16,
  parameter Words = 325,
  parameter WordWidth = 9           // bits of a word's number in a request, at least HostWidth
) (
  input  wire                           clk_i,
  input  wire                           rst_ni,
  input  wire                           open_i,       // the core is idle and stays so
  input  wire                           flush_i,      // the core is about to start: bring back what has changed
  output wire                           clean_o,      // nothing changed is left here
  // Request.
  input  wire                           request_i,
  input  wire                           write_i,
  input  wire [WordWidth+LaneWidth-1:0] index_i,      // {word, lane}
  input  wire [31:0]                    data_i,
  input  wire [3:0]                     strobe_i,
  output reg                            acknowledge_o,
  output reg                            refused_o,    // with acknowledge_o: the core runs
  output reg                            outside_o,    // with acknowledge_o: there is no such word
  output reg  [31:0]                    data_o,
  // Host port.
  output wire                           host_seek_o,
  output wire [HostWidth-1:0]           host_address_o,
  output wire                           host_shift_o,
  output wire [StoredWidth-1:0]         host_data_o,
  input  wire [StoredWidth-1:0]         host_data_i,
  output wire                           host_store_o,
  output wire                           host_fetch_o
);

  localparam LanesLess = Lanes - 1;
  localparam [LaneWidth-1:0] LastLane = LanesLess[LaneWidth-1:0];
  localparam [2:0] StIdle = 3'd0, StStore = 3'd1, StSeek = 3'd2, StFetch = 3'd3, StWait1 = 3'd4, StWait2 = 3'd5,
                   StStored = 3'd6, StWait3 = 3'd7;

  reg [2:0] state_q;
  reg held_q, dirty_q;             // a word is in the shift register; it has changed
  reg [HostWidth-1:0] word_q;
  reg [LaneWidth-1:0] turn_q;      // the lane at its end

  wire [WordWidth-1:0] number = index_i[LaneWidth+:WordWidth];
  wire [HostWidth-1:0] word = number[HostWidth-1:0];
  wire [LaneWidth-1:0] lane = index_i[LaneWidth-1:0];
  wire outside = (number >= Words[WordWidth-1:0]);
  wire pending = request_i && !acknowledge_o;
  wire wanted = pending && open_i && !outside;
  wire hit = held_q && (word_q == word);
  wire reached = (turn_q == lane);
  wire aligned = (turn_q == {LaneWidth{1'b0}});
  wire idle = (state_q == StIdle);
  wire must_store = idle && dirty_q && (flush_i || (wanted && !hit));
  wire access = idle && wanted && hit && !must_store;
  wire turn = (must_store && !aligned) || (access && !reached);
  wire replace = access && reached && write_i;

  wire [31:0] old = {{(32-StoredWidth){host_data_i[StoredWidth-1]}}, host_data_i};
  /* verilator lint_off UNUSED */
  wire [31:0] merged = {strobe_i[3] ? data_i[31:24] : old[31:24], strobe_i[2] ? data_i[23:16] : old[23:16],
                        strobe_i[1] ? data_i[15:8] : old[15:8], strobe_i[0] ? data_i[7:0] : old[7:0]};
  /* verilator lint_on UNUSED */

  assign clean_o = idle && !dirty_q;
  assign host_seek_o = (state_q == StSeek) || (state_q == StStore);
  assign host_address_o = word_q;
  assign host_shift_o = turn || replace;
  assign host_data_o = replace ? merged[StoredWidth-1:0] : host_data_i;
  assign host_store_o = (state_q == StStored);
  assign host_fetch_o = (state_q == StFetch);

  always @(posedge clk_i) begin
    acknowledge_o <= 1'b0;
    refused_o <= 1'b0;
    outside_o <= 1'b0;
    if (!rst_ni) begin
      state_q <= StIdle;
      held_q <= 1'b0;
      dirty_q <= 1'b0;
      turn_q <= {LaneWidth{1'b0}};
    end else begin
      if (turn || replace) turn_q <= (turn_q == LastLane) ? {LaneWidth{1'b0}} : turn_q + 1'b1;
      if (replace) dirty_q <= 1'b1;
      if (pending && idle && (!open_i || outside)) begin
        acknowledge_o <= 1'b1;
        refused_o <= !outside;
        outside_o <= outside;
      end
      if (access && reached) acknowledge_o <= 1'b1;
      case (state_q)
        StIdle: begin
          // The core changes its weights: what is held grows old.
          if (!open_i && !dirty_q) held_q <= 1'b0;
          if (must_store && aligned) state_q <= StStore;
          else if (!must_store && wanted && !hit) begin
            state_q <= StSeek;
            word_q <= word;
            turn_q <= {LaneWidth{1'b0}};
          end
        end
        StStore: state_q <= StStored;
        StStored: begin
          dirty_q <= 1'b0;
          state_q <= StIdle;
        end
        StSeek: state_q <= StFetch;
        StFetch: state_q <= StWait1;
        StWait1: state_q <= StWait2;
        StWait2: state_q <= StWait3;
        default: begin
          held_q <= 1'b1;
          state_q <= StIdle;
        end
      endcase
    end
    if (access && reached) data_o <= old;
  end

endmodule

`default_nettype wire
