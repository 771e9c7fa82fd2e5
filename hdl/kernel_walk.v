// SPDX-License-Identifier: Apache-2.0
// The loop nests of a network with kernels. One tap of one chunk at one place of the map a cycle:
//
//   to relax   for each layer: for each place above: for each chunk: for each corner of the place's window:
//                  the bias, then each tap of the kernel that sees a neuron
//   to learn   for each layer: for each chunk: for each tap, bias last: for each place of the map from which it sees one
//
// A pass that applies a batch's sums visits each tap once. A dense layer is a kernel as large as the layer below. Its twin
// is src/schedule/kernels.rs (which predicts every cycle spent here).
//
// A relaxing pass waits where a chunk's sums would reach the drive chain before the one before has left it, behind a corner
// of very few taps (a transposed sum is read and written within four cycles), and between layers.
//
// Latency: seven cycles from run_i to the first tap in stage 0. What a layer is comes from registers: looked up for layer_o, and
// for layer1_o by the address stages, in the cycle before.
//
// Counters of channels, while relaxing those of the kernel, and while learning those of the map, move every cycle. All others
// stand for two: behind a corner's last tap comes a bias, before a kernel's next place a cycle that loads where it begins. So
// what they end at, and whether they are there, comes from registers.

`default_nettype none

module kernel_walk #(
  parameter Layers = 2,            // synapse layers
  parameter Lanes = 16,
  parameter LayerWidth = 2,
  parameter ChunkWidth = 3,
  parameter SideWidth = 5,         // rows, columns, of a layer, a map or a kernel, padding counted, and a sign
  parameter ChannelWidth = 7,      // channels below; neurons of a layer of one place
  parameter TapWidth = 10,
  parameter PlaceWidth = 8,        // places of a layer
  parameter NumberWidth = 12,      // a neuron of the layer below in memory, or an input
  parameter IndexWidth = 10,       // a neuron's number within its layer
  parameter WordWidth = 8,         // a word of states
  parameter AddressWidth = 9,      // a word of weights
  parameter FewTaps = 6,           // behind a corner of so many taps or fewer
  parameter FewWait = 2,           // come so many cycles without one
  parameter LayerGap = 2,
  parameter ChainSlot = 2          // cycles between two chunks' sums, less the lanes
) (
  input  wire                     clk_i,
  input  wire                     run_i,           // a pass is under way; falls behind its last tap
  input  wire                     drive_i,         // it relaxes, else it learns
  input  wire                     apply_i,
  input  wire [LayerWidth-1:0]    first_layer_i,
  // What layer_o was a cycle before: the synapses below it.
  output wire [LayerWidth-1:0]    layer_o,
  input  wire [SideWidth-1:0]     last_kernel_row_i,
  input  wire [SideWidth-1:0]     last_kernel_column_i,
  input  wire [SideWidth-1:0]     padding_i,
  input  wire                     two_i,           // stride 2
  input  wire                     window_i,        // pooled: two by two places of the map make one
  input  wire [SideWidth-1:0]     last_below_row_i,
  input  wire [SideWidth-1:0]     last_below_column_i,
  input  wire [SideWidth-1:0]     last_map_row_i,
  input  wire [SideWidth-1:0]     last_map_column_i,
  input  wire [ChannelWidth-1:0]  last_channel_i,  // below
  input  wire [ChunkWidth-1:0]    last_chunk_i,
  // What layer1_o is: layer_o of the cycle before.
  output wire [LayerWidth-1:0]    layer1_o,
  input  wire [SideWidth-1:0]     below_columns1_i,
  input  wire [TapWidth-1:0]      row_taps1_i,     // of a row of the kernel
  input  wire [SideWidth-1:0]     above_columns1_i,
  input  wire [ChannelWidth-1:0]  channels1_i,     // below
  input  wire [ChunkWidth:0]      chunks1_i,       // of a place above
  input  wire [AddressWidth-1:0]  row_length1_i,   // words of weights of a chunk
  input  wire [IndexWidth:0]      rows1_i,         // channels above
  // What layer1_o was a cycle before.
  input  wire [ChannelWidth-1:0]  channels2_i,     // below
  input  wire [NumberWidth-1:0]   pre_base2_i,     // the first neuron below in memory
  input  wire [NumberWidth-1:0]   pre_step2_i,     // from place to place there
  input  wire [TapWidth-1:0]      taps2_i,
  input  wire [AddressWidth-1:0]  weight_base2_i,
  input  wire [WordWidth-1:0]     word_base2_i,
  // Stage 0.
  output reg                      valid0_o,
  output reg                      end0_o,          // the pass's last tap
  output reg  [LayerWidth-1:0]    layer0_o,
  output reg  [ChunkWidth-1:0]    chunk0_o,
  output reg                      last_chunk0_o,
  output reg                      bias0_o,
  output reg                      begins0_o,       // the sum of a corner, or a tap's contrast, begins
  output reg                      ends0_o,
  output reg                      opens0_o,        // relaxing: the corner is the first of its window
  output reg                      closes0_o,       // and the last
  output reg  [1:0]               corner0_o,       // of the window, {row, column}
  output reg                      first_use0_o,    // of the neuron below in a pass
  output reg                      last_use0_o,
  output reg                      place_end0_o,    // it is the last of its place
  output reg  [NumberWidth-1:0]   number0_o,       // of the neuron below
  output reg  [IndexWidth-1:0]    index0_o,
  output reg  [TapWidth-1:0]      tap0_o,
  output reg  [AddressWidth-1:0]  address0_o,      // of the weights
  output reg  [WordWidth-1:0]     word0_o,         // of the chunk's neurons
  output reg  [IndexWidth-1:0]    chunk_index0_o   // the first of them
);

  // Counters. Rows and columns of the map, of the kernel, channels below.
  reg started_q, done_q, bias_q, load_q;
  reg [LayerWidth-1:0] layer_q;
  reg [ChunkWidth-1:0] chunk_q;
  reg [SideWidth-1:0] row_q, column_q, kernel_row_q, kernel_column_q;
  reg [ChannelWidth-1:0] channel_q;
  localparam PadWidth = 10;
  reg signed [PadWidth-1:0] wait_q, chain_q;  // cycles left, less one: negative where there are none
  reg signed [4:0] few_q;                     // taps that the corner may still have and be one of few, less one

  assign layer_o = layer_q;
  wire last_layer = ({1'b0, layer_q} == Layers[LayerWidth:0]);
  wire last_chunk = (chunk_q == last_chunk_i);
  wire last_channel = (channel_q == last_channel_i);

  // What of the kernel sees neurons from a place: signed, clipped.
  wire signed [SideWidth:0] top = $signed({1'b0, two_i ? row_q << 1 : row_q}) - $signed({1'b0, padding_i});
  wire signed [SideWidth:0] left = $signed({1'b0, two_i ? column_q << 1 : column_q}) - $signed({1'b0, padding_i});
  wire signed [SideWidth:0] below_top = $signed({1'b0, last_below_row_i}) - top;
  wire signed [SideWidth:0] below_left = $signed({1'b0, last_below_column_i}) - left;
  /* verilator lint_off UNUSED */
  wire signed [SideWidth:0] minus_top = -top;
  wire signed [SideWidth:0] minus_left = -left;
  /* verilator lint_on UNUSED */
  wire [SideWidth-1:0] first_kernel_row = top[SideWidth] ? minus_top[SideWidth-1:0] : {SideWidth{1'b0}};
  wire [SideWidth-1:0] first_kernel_column = left[SideWidth] ? minus_left[SideWidth-1:0] : {SideWidth{1'b0}};
  wire [SideWidth-1:0] end_kernel_row =
      (below_top < $signed({1'b0, last_kernel_row_i})) ? below_top[SideWidth-1:0] : last_kernel_row_i;
  wire [SideWidth-1:0] end_kernel_column =
      (below_left < $signed({1'b0, last_kernel_column_i})) ? below_left[SideWidth-1:0] : last_kernel_column_i;

  // From where a tap sees neurons: rows and columns of the map.
  wire whole = bias_q || apply_i;
  wire signed [SideWidth:0] over_row = $signed({1'b0, padding_i}) - $signed({1'b0, kernel_row_q});
  wire signed [SideWidth:0] over_column = $signed({1'b0, padding_i}) - $signed({1'b0, kernel_column_q});
  wire signed [SideWidth:0] under_row = over_row + $signed({1'b0, last_below_row_i});
  wire signed [SideWidth:0] under_column = over_column + $signed({1'b0, last_below_column_i});
  /* verilator lint_off UNUSED */
  wire signed [SideWidth:0] up_row = over_row + {{SideWidth{1'b0}}, two_i};
  wire signed [SideWidth:0] up_column = over_column + {{SideWidth{1'b0}}, two_i};
  wire signed [SideWidth:0] half_up_row = up_row >>> two_i;
  wire signed [SideWidth:0] half_up_column = up_column >>> two_i;
  wire signed [SideWidth:0] half_under_row = under_row >>> two_i;
  wire signed [SideWidth:0] half_under_column = under_column >>> two_i;
  /* verilator lint_on UNUSED */
  wire [SideWidth-1:0] first_row =
      (whole || over_row[SideWidth]) ? {SideWidth{1'b0}} : half_up_row[SideWidth-1:0];
  wire [SideWidth-1:0] first_column =
      (whole || over_column[SideWidth]) ? {SideWidth{1'b0}} : half_up_column[SideWidth-1:0];
  wire [SideWidth-1:0] end_row = apply_i ? {SideWidth{1'b0}} :
      (bias_q || half_under_row > $signed({1'b0, last_map_row_i})) ? last_map_row_i : half_under_row[SideWidth-1:0];
  wire [SideWidth-1:0] end_column = apply_i ? {SideWidth{1'b0}} :
      (bias_q || half_under_column > $signed({1'b0, last_map_column_i})) ? last_map_column_i
                                                                         : half_under_column[SideWidth-1:0];

  // What the slow counters end at: as they were a cycle before.
  reg [SideWidth-1:0] end_kernel_row_q, end_kernel_column_q, first_row_q, first_column_q, end_row_q, end_column_q;
  reg last_chunk_q, window_end_q, last_column_q, map_end_q, kernel_column_end_q, kernel_end_q, chain_gap_q;
  wire window_end = !window_i || (row_q[0] && column_q[0]);
  always @(posedge clk_i) begin
    last_chunk_q <= last_chunk;
    // Relaxing.
    window_end_q <= window_end;
    last_column_q <= (column_q == last_map_column_i);
    map_end_q <= window_end && last_chunk && (row_q == last_map_row_i) && (column_q == last_map_column_i);
    // The output layer's neurons and the last hidden layer's share the neuron unit.
    chain_gap_q <= last_layer && window_end && !last_chunk && (chunk_q + 1'b1 == last_chunk_i);
    if (bias_q) begin
      end_kernel_row_q <= end_kernel_row;
      end_kernel_column_q <= end_kernel_column;
    end
    // Learning.
    kernel_column_end_q <= (kernel_column_q == last_kernel_column_i);
    kernel_end_q <= (kernel_column_q == last_kernel_column_i) && (kernel_row_q == last_kernel_row_i);
    if (load_q) begin
      first_row_q <= first_row;
      first_column_q <= first_column;
      end_row_q <= end_row;
      end_column_q <= end_column;
    end
  end

  // Relaxing: where a corner, a layer ends.
  wire kernel_row_end = (kernel_column_q == end_kernel_column_q);
  wire corner_end = !bias_q && last_channel && kernel_row_end && kernel_row_q == end_kernel_row_q;
  wire drive_end = corner_end && map_end_q;
  // Learning: where a tap, a layer ends.
  wire map_row_end = (column_q == end_column_q);
  wire tap_end = map_row_end && (row_q == end_row_q);
  wire learn_end = tap_end && bias_q && last_chunk_q;

  wire waits = !wait_q[PadWidth-1];
  wire chain_busy = drive_i && corner_end && window_end_q && !chain_q[PadWidth-1];
  wire issue = run_i && started_q && !done_q && !load_q && !waits && !chain_busy;
  wire layer_end = drive_i ? drive_end : learn_end;

  // Cycles until the next corner may begin, less one.
  localparam [31:0] AllFew = FewTaps - 1, AllFewWait = FewWait, AllLanes = Lanes, AllGap = LayerGap, AllChain = Lanes + ChainSlot - 2;
  wire [PadWidth-1:0] gap = map_end_q ? AllGap[PadWidth-1:0] : chain_gap_q ? AllLanes[PadWidth-1:0] : {PadWidth{1'b0}};
  wire [PadWidth-1:0] few_wait = few_q[4] ? {PadWidth{1'b1}} : AllFewWait[PadWidth-1:0] - 1'b1;

  always @(posedge clk_i) begin
    started_q <= run_i;
    // A layer begins.
    if (!started_q || (issue && layer_end)) begin
      chunk_q <= {ChunkWidth{1'b0}};
      row_q <= {SideWidth{1'b0}};
      column_q <= {SideWidth{1'b0}};
      kernel_row_q <= {SideWidth{1'b0}};
      kernel_column_q <= {SideWidth{1'b0}};
      channel_q <= {ChannelWidth{1'b0}};
      bias_q <= drive_i;
      load_q <= !drive_i;
    end
    if (!started_q) begin
      layer_q <= first_layer_i;
      done_q <= 1'b0;
      wait_q <= {{(PadWidth-2){1'b0}}, 2'd2};  // until it is known what the layer is, and the last states can be read
      chain_q <= {PadWidth{1'b1}};
      few_q <= AllFew[4:0];
    end else begin
      if (waits) wait_q <= wait_q - 1'b1;
      if (!chain_q[PadWidth-1]) chain_q <= chain_q - 1'b1;
      if (load_q && !waits) begin
        row_q <= first_row;
        column_q <= first_column;
        load_q <= 1'b0;
      end
      if (issue && layer_end) begin
        done_q <= last_layer;
        layer_q <= layer_q + 1'b1;
        if (!drive_i) wait_q <= {PadWidth{1'b0}};
      end
      if (issue && drive_i) begin
        if (bias_q) begin
          bias_q <= 1'b0;
          few_q <= AllFew[4:0];
          kernel_row_q <= first_kernel_row;
          kernel_column_q <= first_kernel_column;
        end else begin
          if (!few_q[4]) few_q <= few_q - 1'b1;
          channel_q <= last_channel ? {ChannelWidth{1'b0}} : channel_q + 1'b1;
          if (last_channel) begin
            kernel_column_q <= kernel_row_end ? first_kernel_column : kernel_column_q + 1'b1;
            if (kernel_row_end) kernel_row_q <= kernel_row_q + 1'b1;
          end
        end
        if (corner_end) begin
          bias_q <= 1'b1;
          wait_q <= few_wait + gap;
          if (window_end_q) chain_q <= AllChain[PadWidth-1:0];
          if (!layer_end) begin
            // The next corner of the window; or its first again, for the next chunk; or the next window.
            if (!window_end_q) begin
              column_q <= column_q ^ {{(SideWidth-1){1'b0}}, 1'b1};
              if (column_q[0]) row_q <= row_q + 1'b1;
            end else if (!last_chunk_q) begin
              chunk_q <= chunk_q + 1'b1;
              if (window_i) begin
                row_q <= row_q - 1'b1;
                column_q <= column_q - 1'b1;
              end
            end else begin
              chunk_q <= {ChunkWidth{1'b0}};
              column_q <= last_column_q ? {SideWidth{1'b0}} : column_q + 1'b1;
              if (last_column_q) row_q <= row_q + 1'b1;
              else if (window_i) row_q <= row_q - 1'b1;
            end
          end
        end
      end
      if (issue && !drive_i && !layer_end) begin
        if (!tap_end) begin
          column_q <= map_row_end ? first_column_q : column_q + 1'b1;
          if (map_row_end) row_q <= row_q + 1'b1;
        end else begin
          row_q <= first_row_q;
          column_q <= first_column_q;
          if (bias_q) begin
            bias_q <= 1'b0;
            chunk_q <= chunk_q + 1'b1;
            kernel_row_q <= {SideWidth{1'b0}};
            kernel_column_q <= {SideWidth{1'b0}};
            channel_q <= {ChannelWidth{1'b0}};
            load_q <= 1'b1;
          end else begin
            channel_q <= last_channel ? {ChannelWidth{1'b0}} : channel_q + 1'b1;
            if (last_channel && kernel_end_q) bias_q <= 1'b1;
            if (last_channel) begin
              load_q <= 1'b1;
              kernel_column_q <= kernel_column_end_q ? {SideWidth{1'b0}} : kernel_column_q + 1'b1;
              if (kernel_column_end_q) kernel_row_q <= kernel_row_q + 1'b1;
            end
          end
        end
      end
    end
  end

  // Of the neuron below: a use of it in a row (column) before this one, and after.
  wire [SideWidth-1:0] step = two_i ? {{(SideWidth-2){1'b0}}, 2'd2} : {{(SideWidth-1){1'b0}}, 1'b1};
  wire used_row = (row_q != {SideWidth{1'b0}}) && ({1'b0, kernel_row_q} + {1'b0, step} <= {1'b0, last_kernel_row_i});
  wire used_column =
      (column_q != {SideWidth{1'b0}}) && ({1'b0, kernel_column_q} + {1'b0, step} <= {1'b0, last_kernel_column_i});
  wire uses_row = (row_q != last_map_row_i) && (kernel_row_q >= step);
  wire uses_column = (column_q != last_map_column_i) && (kernel_column_q >= step);

  // Address stages: A places below, in the kernel and above; B their numbers; then stage 0.
  reg valid_a_q, end_a_q, last_chunk_a_q, bias_a_q, begins_a_q, ends_a_q, opens_a_q, closes_a_q;
  reg first_use_a_q, last_use_a_q, place_end_a_q;
  reg valid_b_q, end_b_q, last_chunk_b_q, bias_b_q, begins_b_q, ends_b_q, opens_b_q, closes_b_q;
  reg first_use_b_q, last_use_b_q, place_end_b_q;
  reg [1:0] corner_a_q, corner_b_q;
  reg [LayerWidth-1:0] layer_a_q, layer_b_q;
  reg [ChunkWidth-1:0] chunk_a_q, chunk_b_q;
  reg [SideWidth-1:0] below_row_a_q, below_column_a_q, kernel_row_a_q, kernel_column_a_q, above_row_a_q, above_column_a_q;
  reg [ChannelWidth-1:0] channel_a_q, channel_b_q;
  reg [PlaceWidth-1:0] below_b_q, above_b_q;
  reg [TapWidth-1:0] kernel_place_b_q;
  reg [AddressWidth-1:0] row_base_b_q;
  reg [ChunkWidth:0] chunks_b_q;
  reg [IndexWidth:0] rows_b_q;
  assign layer1_o = layer_a_q;

  // Products and sums are as wide as what they make; it is known to fit.
  /* verilator lint_off WIDTH */
  /* verilator lint_off UNUSED */
  wire signed [SideWidth:0] below_row = top + $signed({1'b0, kernel_row_q});
  wire signed [SideWidth:0] below_column = left + $signed({1'b0, kernel_column_q});
  /* verilator lint_on UNUSED */
  localparam [31:0] LaneShift = $clog2(Lanes);
  always @(posedge clk_i) begin
    valid_a_q <= issue;
    end_a_q <= issue && layer_end && last_layer;
    layer_a_q <= layer_o;
    chunk_a_q <= chunk_q;
    last_chunk_a_q <= last_chunk;
    bias_a_q <= bias_q;
    begins_a_q <= drive_i ? bias_q : (row_q == first_row_q && column_q == first_column_q);
    ends_a_q <= drive_i ? corner_end : tap_end;
    opens_a_q <= !window_i || (!row_q[0] && !column_q[0]);
    closes_a_q <= window_end;
    corner_a_q <= window_i ? {row_q[0], column_q[0]} : 2'd0;
    first_use_a_q <= !used_row && !used_column && (chunk_q == {ChunkWidth{1'b0}});
    last_use_a_q <= !uses_row && !uses_column && last_chunk;
    place_end_a_q <= last_channel;
    channel_a_q <= channel_q;
    below_row_a_q <= below_row[SideWidth-1:0];
    below_column_a_q <= below_column[SideWidth-1:0];
    kernel_row_a_q <= kernel_row_q;
    kernel_column_a_q <= kernel_column_q;
    above_row_a_q <= row_q >> window_i;
    above_column_a_q <= column_q >> window_i;

    {valid_b_q, end_b_q, layer_b_q, chunk_b_q, last_chunk_b_q, bias_b_q, begins_b_q, ends_b_q, opens_b_q, closes_b_q, corner_b_q,
     first_use_b_q, last_use_b_q, place_end_b_q, channel_b_q} <=
        {valid_a_q, end_a_q, layer_a_q, chunk_a_q, last_chunk_a_q, bias_a_q, begins_a_q, ends_a_q, opens_a_q, closes_a_q, corner_a_q,
         first_use_a_q, last_use_a_q, place_end_a_q, channel_a_q};
    below_b_q <= below_row_a_q * below_columns1_i + below_column_a_q;
    above_b_q <= above_row_a_q * above_columns1_i + above_column_a_q;
    kernel_place_b_q <= kernel_row_a_q * row_taps1_i + kernel_column_a_q * channels1_i;
    row_base_b_q <= chunk_a_q * row_length1_i;
    chunks_b_q <= chunks1_i;
    rows_b_q <= rows1_i;

    {valid0_o, end0_o, layer0_o, chunk0_o, last_chunk0_o, bias0_o, begins0_o, ends0_o, opens0_o, closes0_o, corner0_o, first_use0_o,
     last_use0_o, place_end0_o} <=
        {valid_b_q, end_b_q, layer_b_q, chunk_b_q, last_chunk_b_q, bias_b_q, begins_b_q, ends_b_q, opens_b_q, closes_b_q, corner_b_q,
         first_use_b_q, last_use_b_q, place_end_b_q};
    number0_o <= pre_base2_i + below_b_q * pre_step2_i + channel_b_q;
    index0_o <= below_b_q * channels2_i + channel_b_q;
    tap0_o <= bias_b_q ? taps2_i : kernel_place_b_q + channel_b_q;
    address0_o <= weight_base2_i + row_base_b_q + (bias_b_q ? taps2_i : kernel_place_b_q + channel_b_q);
    word0_o <= word_base2_i + above_b_q * chunks_b_q + chunk_b_q;
    chunk_index0_o <= above_b_q * rows_b_q + (chunk_b_q << LaneShift);
  end
  /* verilator lint_on WIDTH */

endmodule

`default_nettype wire
