// SPDX-License-Identifier: Apache-2.0
// Which chunks a pass that learns has to visit: those in which a neuron has moved between the two states that the synapses
// look at, and those above a layer in which one has. Of all others the contrast is zero.
//
// The sequencer scans the chunks, one a cycle, layer by layer, before it visits any. Their two words come from post_memory,
// are compared, and what has to be visited is kept in a list, with the first word of its weights, in the order of the scan.
//
// Latency: a chunk that is scanned in cycle 0 is compared in cycles 4 and 5, and can be taken in cycle 8.

`default_nettype none

module contrast_list #(
  parameter Lanes = 16,
  parameter ActivityWidth = 10,
  parameter LayerWidth = 2,
  parameter ChunkWidth = 3,
  parameter AddressWidth = 9,
  parameter Depth = 5,             // chunks of all layers
  parameter DepthWidth = 3         // counts them
) (
  input  wire                           clk_i,
  input  wire                           rst_ni,
  input  wire                           clear_i,      // before a scan
  // The chunk that is scanned.
  input  wire                           scan0_i,
  input  wire [LayerWidth-1:0]          layer0_i,
  input  wire [ChunkWidth-1:0]          chunk0_i,
  input  wire [AddressWidth-1:0]        row_base0_i,
  output wire                           scan3_o,      // its words are read in this cycle
  input  wire [Lanes*ActivityWidth-1:0] post_a4_i,
  input  wire [Lanes*ActivityWidth-1:0] post_b4_i,
  // The next chunk to be visited.
  output wire                           some_o,
  output wire [LayerWidth-1:0]          layer_o,
  output wire [ChunkWidth-1:0]          chunk_o,
  output wire [AddressWidth-1:0]        row_base_o,
  input  wire                           take_i        // the one behind it stands there in the next cycle
);

  localparam EntryWidth = LayerWidth + ChunkWidth + AddressWidth;

  // Which chunk is compared.
  reg [6:1] scan_q;
  reg [6*EntryWidth-1:0] entries_q;  // the oldest highest
  wire [EntryWidth-1:0] entry6 = entries_q[5*EntryWidth+:EntryWidth];
  wire first6 = (entry6[AddressWidth+:ChunkWidth] == {ChunkWidth{1'b0}});
  wire input6 = (entry6[AddressWidth+ChunkWidth+:LayerWidth] == {{(LayerWidth-1){1'b0}}, 1'b1});
  assign scan3_o = scan_q[3];

  // Whether any of its neurons has moved, or any of the layer below.
  reg [Lanes-1:0] moved5_q;
  reg moved6_q, layer_moved_q, below_q;
  wire below6 = first6 ? layer_moved_q : below_q;
  wire push6 = scan_q[6] && (moved6_q || (below6 && !input6));
  integer p;
  always @(posedge clk_i) begin
    if (!rst_ni) scan_q <= 6'd0;
    else scan_q <= {scan_q[5:1], scan0_i};
    entries_q <= {entries_q[5*EntryWidth-1:0], layer0_i, chunk0_i, row_base0_i};
    if (scan_q[4])
      for (p = 0; p < Lanes; p = p + 1)
        moved5_q[p] <= (post_a4_i[p*ActivityWidth+:ActivityWidth] != post_b4_i[p*ActivityWidth+:ActivityWidth]);
    moved6_q <= |moved5_q;
    if (scan_q[6]) begin
      below_q <= below6;
      layer_moved_q <= moved6_q || (layer_moved_q && !first6);
    end
  end

  // The list.
  reg [DepthWidth-1:0] written_q, taken_q;
  wire [DepthWidth-1:0] next = taken_q + {{(DepthWidth-1){1'b0}}, take_i};
  assign some_o = (taken_q != written_q);
  word_memory #(.Width(EntryWidth), .Depth(Depth), .AddressWidth(DepthWidth)) u_list (
    .clk_i(clk_i), .write_i(push6), .write_address_i(written_q), .write_data_i(entry6),
    .read_address_i(next), .read_data_o({layer_o, chunk_o, row_base_o})
  );
  always @(posedge clk_i) begin
    if (!rst_ni || clear_i) begin
      written_q <= {DepthWidth{1'b0}};
      taken_q <= {DepthWidth{1'b0}};
    end else begin
      if (push6) written_q <= written_q + 1'b1;
      taken_q <= next;
    end
  end

endmodule

`default_nettype wire
