// From the lanes' sums to whole drives, in the order in which neurons finish.
//
// Forward sums leave the lanes chunk by chunk through the drive chain, one neuron per cycle. Those of hidden layers
// wait in a memory (where the clamped input's drive stays for the whole phase while weights are frozen); those of the
// output layer go straight on. Transposed sums come one hidden neuron per cycle; they gather over the chunks of the
// layer above, and in its last chunk the neuron's drive is complete.
//
// Stage numbers as in synapse_lanes.v: transposed sums arrive in stage 10, whole drives leave in stage 12.

`default_nettype none

module drive_path #(
  parameter ForwardWidth = 32,
  parameter TransposedWidth = 32,
  parameter TotalWidth = 33,
  parameter Neurons = 74,          // of layers 1 to L
  parameter NeuronWidth = 7,       // bits of a neuron number
  parameter LayerWidth = 2,
  parameter IndexWidth = 6,        // bits of a neuron's number within its layer
  parameter LaneCountWidth = 5     // bits of 0 .. P
) (
  input  wire                              clk_i,
  input  wire                              rst_ni,
  // A column of transposed products, stage 9.
  input  wire                              column9_i,
  input  wire                              first_chunk9_i,
  input  wire                              last_chunk9_i,
  input  wire [LayerWidth-1:0]             layer9_i,      // of the neuron, not of its synapses
  input  wire [IndexWidth-1:0]             index9_i,
  input  wire [NeuronWidth-1:0]            neuron9_i,
  input  wire signed [TransposedWidth-1:0] transposed10_i, // aligned
  // A chunk of forward sums, stage 9.
  input  wire                              chunk9_i,
  input  wire [LayerWidth-1:0]             chunk_layer9_i,
  input  wire [IndexWidth-1:0]             chunk_index9_i,
  input  wire [NeuronWidth-1:0]            chunk_neuron9_i,
  input  wire [LaneCountWidth-1:0]         chunk_lanes9_i, // neurons in it
  input  wire                              chunk_output9_i, // of the output layer
  input  wire                              chunk_last9_i,   // its last one
  input  wire signed [ForwardWidth-1:0]    chain_head_i,
  output wire                              chain_shift_o,
  // Neurons: announced in stage 11, whole drive in stage 12.
  output wire [NeuronWidth-1:0]            neuron11_o,
  output reg                               valid12_o,
  output reg  [LayerWidth-1:0]             layer12_o,
  output reg  [IndexWidth-1:0]             index12_o,
  output reg  [NeuronWidth-1:0]            neuron12_o,
  output reg                               last12_o,       // last neuron of the step
  output reg  signed [TotalWidth-1:0]      total12_o
);

  // Drive chain.
  reg chunk10_q;
  reg [LaneCountWidth-1:0] left_q, lanes10_q;
  reg output_q, last_q, output10_q, last10_q;
  reg [LayerWidth-1:0] chain_layer_q, layer10c_q;
  reg [IndexWidth-1:0] chain_index_q, index10c_q;
  reg [NeuronWidth-1:0] chain_neuron_q, neuron10c_q;

  wire active = (left_q != 0);
  assign chain_shift_o = active;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      chunk10_q <= 1'b0;
      left_q <= {LaneCountWidth{1'b0}};
    end else begin
      chunk10_q <= chunk9_i;
      if (chunk10_q) left_q <= lanes10_q;
      else if (active) left_q <= left_q - 1'b1;
    end
    lanes10_q <= chunk_lanes9_i;
    output10_q <= chunk_output9_i;
    last10_q <= chunk_last9_i;
    layer10c_q <= chunk_layer9_i;
    index10c_q <= chunk_index9_i;
    neuron10c_q <= chunk_neuron9_i;
    if (chunk10_q) begin
      output_q <= output10_q;
      last_q <= last10_q;
      chain_layer_q <= layer10c_q;
      chain_index_q <= index10c_q;
      chain_neuron_q <= neuron10c_q;
    end else begin
      chain_index_q <= chain_index_q + 1'b1;
      chain_neuron_q <= chain_neuron_q + 1'b1;
    end
  end

  // Transposed sums.
  reg column10_q, column11_q, first10_q, last10t_q, last11_q;
  reg [LayerWidth-1:0] layer10_q, layer11_q;
  reg [IndexWidth-1:0] index10_q, index11_q;
  reg [NeuronWidth-1:0] neuron10_q, neuron11_q;
  reg signed [TransposedWidth-1:0] gathered11_q;
  wire signed [TransposedWidth-1:0] gathered10;

  word_memory #(.Width(TransposedWidth), .Depth(Neurons), .AddressWidth(NeuronWidth)) u_gathered (
    .clk_i(clk_i),
    .write_i(column11_q && !last11_q),
    .write_address_i(neuron11_q),
    .write_data_i(gathered11_q),
    .read_address_i(neuron9_i),
    .read_data_o(gathered10)
  );

  wire signed [ForwardWidth-1:0] forward11;
  word_memory #(.Width(ForwardWidth), .Depth(Neurons), .AddressWidth(NeuronWidth)) u_forward (
    .clk_i(clk_i),
    .write_i(active && !output_q),
    .write_address_i(chain_neuron_q),
    .write_data_i(chain_head_i),
    .read_address_i(neuron10_q),
    .read_data_o(forward11)
  );

  wire from_chain11 = active && output_q;
  wire from_column11 = column11_q && last11_q;
  assign neuron11_o = from_chain11 ? chain_neuron_q : neuron11_q;

  wire signed [TotalWidth-1:0] chain_total = {{(TotalWidth-ForwardWidth){chain_head_i[ForwardWidth-1]}}, chain_head_i};
  wire signed [TotalWidth-1:0] forward_total = {{(TotalWidth-ForwardWidth){forward11[ForwardWidth-1]}}, forward11};
  wire signed [TotalWidth-1:0] gathered_total = {{(TotalWidth-TransposedWidth){gathered11_q[TransposedWidth-1]}}, gathered11_q};

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      column10_q <= 1'b0;
      column11_q <= 1'b0;
      valid12_o <= 1'b0;
      last12_o <= 1'b0;
    end else begin
      column10_q <= column9_i;
      column11_q <= column10_q;
      valid12_o <= from_chain11 || from_column11;
      last12_o <= from_chain11 && last_q && (left_q == 1);
    end
    first10_q <= first_chunk9_i;
    last10t_q <= last_chunk9_i;
    last11_q <= last10t_q;
    layer10_q <= layer9_i;
    layer11_q <= layer10_q;
    index10_q <= index9_i;
    index11_q <= index10_q;
    neuron10_q <= neuron9_i;
    neuron11_q <= neuron10_q;
    gathered11_q <= (first10_q ? {TransposedWidth{1'b0}} : gathered10) + transposed10_i;
    layer12_o <= from_chain11 ? chain_layer_q : layer11_q;
    index12_o <= from_chain11 ? chain_index_q : index11_q;
    neuron12_o <= neuron11_o;
    total12_o <= from_chain11 ? chain_total : forward_total + gathered_total;
  end

endmodule

`default_nettype wire
