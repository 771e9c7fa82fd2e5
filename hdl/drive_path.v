// SPDX-License-Identifier: Apache-2.0
// From the lanes' sums to whole drives, in the order in which neurons finish.
//
// Forward sums leave the lanes chunk by chunk through the drive chain, one neuron per cycle. Those of hidden layers
// wait in a memory (where the clamped input's drive stays for the whole phase while weights are frozen); those of the
// output layer go straight on. Transposed sums come one hidden neuron per cycle; they gather over the chunks of the
// layer above, and in its last chunk the neuron's drive is complete.
//
// Stage numbers as in synapse_lanes.v: columns and chunks are announced in stage 11, transposed sums arrive in stage
// 13, the drive chain moves from stage 14 on, whole drives leave in stage 15. Both memories have a register behind
// them. A column's transposed sum is read in stage 11 and written in stage 14: the same column of the next chunk comes
// four cycles later at the earliest. A forward sum is written in stage 14 and read in stage 12, two cycles of LayerGap
// apart.

`default_nettype none

module drive_path #(
  parameter ForwardWidth = 32,
  parameter TransposedWidth = 32,
  parameter TotalWidth = 33,
  parameter Neurons = 74,          // of layers 1 to L
  parameter NeuronWidth = 7,       // bits of a neuron number
  parameter LayerWidth = 2,
  parameter IndexWidth = 6,        // bits of a neuron's number within its layer
  parameter LaneCountWidth = 5,    // bits of 0 .. P
  parameter Corners = 0            // 1: a forward sum comes from a corner of its window, which goes along
) (
  input  wire                              clk_i,
  input  wire                              rst_ni,
  // A column of transposed products, stage 11.
  input  wire                              column11_i,
  input  wire                              first_chunk11_i,
  input  wire                              clear11_i,       // what drives it from below is nothing
  input  wire                              last_chunk11_i,
  input  wire [LayerWidth-1:0]             layer11_i,      // of the neuron, not of its synapses
  input  wire [IndexWidth-1:0]             index11_i,
  input  wire [NeuronWidth-1:0]            neuron11_i,
  input  wire                              end11_i,         // it is the last of its place
  input  wire signed [TransposedWidth-1:0] transposed13_i, // aligned
  // A chunk of forward sums, stage 11.
  input  wire                              chunk11_i,
  input  wire [LayerWidth-1:0]             chunk_layer11_i,
  input  wire [IndexWidth-1:0]             chunk_index11_i,
  input  wire [NeuronWidth-1:0]            chunk_neuron11_i,
  input  wire [LaneCountWidth-1:0]         chunk_lanes11_i, // neurons in it
  input  wire                              chunk_output11_i, // of the output layer
  input  wire                              chunk_end11_i,   // the last of its place
  input  wire [ForwardWidth+2*Corners-1:0] chain_head_i,    // {corner, sum} with Corners
  output wire                              chain_shift_o,
  // Neurons: announced in stage 14, whole drive in stage 15.
  output reg  [NeuronWidth-1:0]            neuron14_o,
  output reg                               valid15_o,
  output reg  [LayerWidth-1:0]             layer15_o,
  output reg  [IndexWidth-1:0]             index15_o,
  output reg  [NeuronWidth-1:0]            neuron15_o,
  output reg                               end15_o,         // the last of its place
  output wire [1:0]                        corner15_o,
  output reg  signed [TotalWidth-1:0]      total15_o
);

  // Drive chain.
  reg chunk12_q, chunk13_q;
  reg [LaneCountWidth-1:0] left_q, lanes12_q, lanes13_q;
  reg output_q, output12_q, output13_q;
  reg chain_end_q, end12c_q, end13c_q;
  reg [LayerWidth-1:0] chain_layer_q, layer12c_q, layer13c_q;
  reg [IndexWidth-1:0] chain_index_q, index12c_q, index13c_q;
  reg [NeuronWidth-1:0] chain_neuron_q, neuron12c_q, neuron13c_q;

  // Whether the chain moves, and gives outputs, is decided a cycle ahead: a wide memory is addressed by it.
  wire moves = chunk13_q ? (lanes13_q != 0) : (left_q > 1);
  wire gives = moves && (chunk13_q ? output13_q : output_q);
  wire [NeuronWidth-1:0] chain_neuron = chunk13_q ? neuron13c_q : chain_neuron_q + 1'b1;
  reg active_q, from_chain14_q;
  reg [NeuronWidth-1:0] neuron12_q, neuron13_q, neuron14_q;  // of columns
  assign chain_shift_o = active_q;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      chunk12_q <= 1'b0;
      chunk13_q <= 1'b0;
      left_q <= {LaneCountWidth{1'b0}};
      active_q <= 1'b0;
      from_chain14_q <= 1'b0;
    end else begin
      active_q <= moves;
      from_chain14_q <= gives;
      chunk12_q <= chunk11_i;
      chunk13_q <= chunk12_q;
      if (chunk13_q) left_q <= lanes13_q;
      else if (active_q) left_q <= left_q - 1'b1;
    end
    {lanes12_q, lanes13_q} <= {chunk_lanes11_i, lanes12_q};
    {output12_q, output13_q} <= {chunk_output11_i, output12_q};
    {end12c_q, end13c_q} <= {chunk_end11_i, end12c_q};
    {layer12c_q, layer13c_q} <= {chunk_layer11_i, layer12c_q};
    {index12c_q, index13c_q} <= {chunk_index11_i, index12c_q};
    {neuron12c_q, neuron13c_q} <= {chunk_neuron11_i, neuron12c_q};
    if (chunk13_q) begin
      output_q <= output13_q;
      chain_end_q <= end13c_q;
      chain_layer_q <= layer13c_q;
      chain_index_q <= index13c_q;
    end else begin
      chain_index_q <= chain_index_q + 1'b1;
    end
    chain_neuron_q <= chain_neuron;
    neuron14_o <= gives ? chain_neuron : neuron13_q;
  end

  // Transposed sums.
  reg clear12_q, clear13_q, clear14_q;
  reg column12_q, column13_q, column14_q, first12_q, first13_q, last12t_q, last13t_q, last14t_q;
  reg end12_q, end13_q, end14_q;
  reg [LayerWidth-1:0] layer12_q, layer13_q, layer14_q;
  reg [IndexWidth-1:0] index12_q, index13_q, index14_q;
  reg signed [TransposedWidth-1:0] gathered13_q, gathered14_q;
  wire signed [TransposedWidth-1:0] gathered12;

  word_memory #(.Width(TransposedWidth), .Depth(Neurons), .AddressWidth(NeuronWidth)) u_gathered (
    .clk_i(clk_i),
    .write_i(column14_q && !last14t_q),
    .write_address_i(neuron14_q),
    .write_data_i(gathered14_q),
    .read_address_i(neuron11_i),
    .read_data_o(gathered12)
  );

  localparam RecordWidth = ForwardWidth + 2 * Corners;
  reg [RecordWidth-1:0] forward14_q;
  wire [RecordWidth-1:0] forward13;
  word_memory #(.Width(RecordWidth), .Depth(Neurons), .AddressWidth(NeuronWidth)) u_forward (
    .clk_i(clk_i),
    .write_i(active_q && !output_q),
    .write_address_i(chain_neuron_q),
    .write_data_i(chain_head_i),
    .read_address_i(neuron12_q),
    .read_data_o(forward13)
  );

  wire from_column14 = column14_q && last14t_q;

  wire signed [TotalWidth-1:0] chain_total = {{(TotalWidth-ForwardWidth){chain_head_i[ForwardWidth-1]}}, chain_head_i[ForwardWidth-1:0]};
  wire signed [TotalWidth-1:0] forward_total = {{(TotalWidth-ForwardWidth){forward14_q[ForwardWidth-1]}}, forward14_q[ForwardWidth-1:0]};
  wire signed [TotalWidth-1:0] gathered_total = {{(TotalWidth-TransposedWidth){gathered14_q[TransposedWidth-1]}}, gathered14_q};

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      column12_q <= 1'b0;
      column13_q <= 1'b0;
      column14_q <= 1'b0;
      valid15_o <= 1'b0;
    end else begin
      column12_q <= column11_i;
      column13_q <= column12_q;
      column14_q <= column13_q;
      valid15_o <= from_chain14_q || from_column14;
    end
    {first12_q, first13_q} <= {first_chunk11_i, first12_q};
    {clear12_q, clear13_q, clear14_q} <= {clear11_i, clear12_q, clear13_q};
    {last12t_q, last13t_q, last14t_q} <= {last_chunk11_i, last12t_q, last13t_q};
    {layer12_q, layer13_q, layer14_q} <= {layer11_i, layer12_q, layer13_q};
    {end12_q, end13_q, end14_q} <= {end11_i, end12_q, end13_q};
    {index12_q, index13_q, index14_q} <= {index11_i, index12_q, index13_q};
    {neuron12_q, neuron13_q, neuron14_q} <= {neuron11_i, neuron12_q, neuron13_q};
    gathered13_q <= gathered12;
    gathered14_q <= (first13_q ? {TransposedWidth{1'b0}} : gathered13_q) + transposed13_i;
    forward14_q <= forward13;
    layer15_o <= from_chain14_q ? chain_layer_q : layer14_q;
    index15_o <= from_chain14_q ? chain_index_q : index14_q;
    neuron15_o <= neuron14_o;
    end15_o <= from_chain14_q ? chain_end_q && (left_q == 1) : end14_q;
    total15_o <= from_chain14_q ? chain_total : (clear14_q ? {TotalWidth{1'b0}} : forward_total) + gathered_total;
  end

  generate
    if (Corners != 0) begin : gen_corner
      reg [1:0] corner15_q;
      always @(posedge clk_i)
        corner15_q <= from_chain14_q ? chain_head_i[RecordWidth-1-:2] : forward14_q[RecordWidth-1-:2];
      assign corner15_o = corner15_q;
    end else begin : gen_no_corner
      assign corner15_o = 2'd0;
    end
  endgenerate

endmodule

`default_nettype wire
