// SPDX-License-Identifier: Apache-2.0
// Which column the core is at: what the sequencer issues in stage 0 travels beside its operands and its weight word
// through stages 1 to 11. A digit in a port's name is its stage.
//
// The column of an entry is known in stage 2: the input's entries are a list of those that are not zero, the entries of
// all other layers are counted, and the last one is the bias. Its word's address is known in stage 3.
//
// Latency: a port of stage n follows n cycles after valid0_i.

`default_nettype none

module column_pipe #(
  parameter LayerWidth = 2,
  parameter ChunkWidth = 3,
  parameter CountWidth = 7,
  parameter AddressWidth = 9
) (
  input  wire                    clk_i,
  // As the sequencer issues it.
  input  wire                    valid0_i,
  input  wire                    first0_i,         // first column of its chunk
  input  wire                    bias0_i,          // last column of its chunk
  input  wire                    first_chunk0_i,
  input  wire                    last_chunk0_i,
  input  wire [LayerWidth-1:0]   layer0_i,
  input  wire [ChunkWidth-1:0]   chunk0_i,
  input  wire [CountWidth-1:0]   entry0_i,
  input  wire [AddressWidth-1:0] row_base0_i,      // first word of its chunk
  // Which column an entry of stage 1 is.
  input  wire                    list1_i,          // layer 1 has a list
  input  wire [CountWidth-1:0]   list_column1_i,
  input  wire [CountWidth-1:0]   bias_column1_i,
  output reg  [LayerWidth-1:0]   layer1_o,
  output reg  [CountWidth-1:0]   entry1_o,
  output reg                     valid2_o,
  output reg                     bias2_o,
  output reg  [LayerWidth-1:0]   layer2_o,
  output reg  [ChunkWidth-1:0]   chunk2_o,
  output reg  [CountWidth-1:0]   column2_o,
  output reg                     valid3_o,
  output reg                     first3_o,
  output reg                     bias3_o,
  output reg  [LayerWidth-1:0]   layer3_o,
  output reg  [ChunkWidth-1:0]   chunk3_o,
  output wire [LayerWidth-1:0]   layer4_o,
  output wire [AddressWidth-1:0] address4_o,
  output wire                    valid5_o,
  output wire                    valid7_o,
  output wire                    first7_o,
  output wire                    bias7_o,
  output wire [LayerWidth-1:0]   layer7_o,
  output wire [ChunkWidth-1:0]   chunk7_o,
  output wire [LayerWidth-1:0]   layer8_o,
  output wire [AddressWidth-1:0] address9_o,
  output wire [LayerWidth-1:0]   layer10_o,
  output wire [ChunkWidth-1:0]   chunk10_o,
  output wire [CountWidth-1:0]   column10_o,
  output wire [AddressWidth-1:0] address10_o,
  output wire                    valid11_o,
  output wire                    bias11_o,
  output wire                    first_chunk11_o,
  output wire                    last_chunk11_o,
  output wire [LayerWidth-1:0]   layer11_o,
  output wire [ChunkWidth-1:0]   chunk11_o,
  output wire [CountWidth-1:0]   column11_o
);

  reg valid1_q, first1_q, bias1_q, first_chunk1_q, last_chunk1_q;
  reg first2_q, first_chunk2_q, last_chunk2_q, first_chunk3_q, last_chunk3_q;
  reg [ChunkWidth-1:0] chunk1_q;
  reg [CountWidth-1:0] column3_q;
  reg [AddressWidth-1:0] row_base1_q, row_base2_q, address3_q;

  // The lower address bits of a column.
  localparam WideWidth = CountWidth + AddressWidth;
  /* verilator lint_off UNUSED */
  wire [WideWidth-1:0] column2 = { {AddressWidth{1'b0}}, column2_o};
  /* verilator lint_on UNUSED */

  // From stage 3 on, where and what a column is travels as one word.
  localparam TrailWidth = 5 + LayerWidth + ChunkWidth + CountWidth + AddressWidth;
  wire [TrailWidth-1:0] trail3 =
      {valid3_o, first3_o, bias3_o, first_chunk3_q, last_chunk3_q, layer3_o, chunk3_o, column3_q, address3_q};
  reg [TrailWidth-1:0] trail4_q, trail5_q, trail6_q, trail7_q, trail8_q, trail9_q, trail10_q, trail11_q;

  always @(posedge clk_i) begin
    {valid1_q, first1_q, bias1_q, first_chunk1_q, last_chunk1_q} <=
        {valid0_i, first0_i, bias0_i, first_chunk0_i, last_chunk0_i};
    {valid2_o, first2_q, bias2_o, first_chunk2_q, last_chunk2_q} <=
        {valid1_q, first1_q, bias1_q, first_chunk1_q, last_chunk1_q};
    {valid3_o, first3_o, bias3_o, first_chunk3_q, last_chunk3_q} <=
        {valid2_o, first2_q, bias2_o, first_chunk2_q, last_chunk2_q};
    {layer1_o, layer2_o, layer3_o} <= {layer0_i, layer1_o, layer2_o};
    {chunk1_q, chunk2_o, chunk3_o} <= {chunk0_i, chunk1_q, chunk2_o};
    entry1_o <= entry0_i;
    {row_base1_q, row_base2_q} <= {row_base0_i, row_base1_q};
    column2_o <= bias1_q ? bias_column1_i : list1_i ? list_column1_i : entry1_o;
    column3_q <= column2_o;
    address3_q <= row_base2_q + column2[AddressWidth-1:0];
    trail4_q <= trail3;
    trail5_q <= trail4_q;
    trail6_q <= trail5_q;
    trail7_q <= trail6_q;
    trail8_q <= trail7_q;
    trail9_q <= trail8_q;
    trail10_q <= trail9_q;
    trail11_q <= trail10_q;
  end

  // Where a part lies in the word.
  localparam ColumnLow = AddressWidth, ChunkLow = ColumnLow + CountWidth, LayerLow = ChunkLow + ChunkWidth;
  localparam LastChunk = LayerLow + LayerWidth, FirstChunk = LastChunk + 1, Bias = LastChunk + 2, First = LastChunk + 3,
             Valid = LastChunk + 4;
  assign layer4_o = trail4_q[LayerLow+:LayerWidth];
  assign address4_o = trail4_q[AddressWidth-1:0];
  assign valid5_o = trail5_q[Valid];
  assign valid7_o = trail7_q[Valid];
  assign first7_o = trail7_q[First];
  assign bias7_o = trail7_q[Bias];
  assign layer7_o = trail7_q[LayerLow+:LayerWidth];
  assign chunk7_o = trail7_q[ChunkLow+:ChunkWidth];
  assign layer8_o = trail8_q[LayerLow+:LayerWidth];
  assign address9_o = trail9_q[AddressWidth-1:0];
  assign layer10_o = trail10_q[LayerLow+:LayerWidth];
  assign chunk10_o = trail10_q[ChunkLow+:ChunkWidth];
  assign column10_o = trail10_q[ColumnLow+:CountWidth];
  assign address10_o = trail10_q[AddressWidth-1:0];
  assign valid11_o = trail11_q[Valid];
  assign bias11_o = trail11_q[Bias];
  assign first_chunk11_o = trail11_q[FirstChunk];
  assign last_chunk11_o = trail11_q[LastChunk];
  assign layer11_o = trail11_q[LayerLow+:LayerWidth];
  assign chunk11_o = trail11_q[ChunkLow+:ChunkWidth];
  assign column11_o = trail11_q[ColumnLow+:CountWidth];

endmodule

`default_nettype wire
