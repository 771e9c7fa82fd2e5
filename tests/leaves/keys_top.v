// The leaves that make random bits, side by side, and the read-out.

`default_nettype none

module keys_top (
  input  wire        clk_i,
  input  wire [31:0] seed_i,
  input  wire [31:0] sample_i,
  input  wire [31:0] step_i,
  input  wire        hold_i,
  input  wire [31:0] key_i,
  input  wire [15:0] layer_i,
  input  wire [15:0] column_i,
  input  wire [31:0] index_i,     // of a neuron, or a chunk
  output wire [31:0] pass_key_o,
  output wire        negative_o,
  output wire [31:0] neuron3_o,
  output wire [31:0] neuron1_o,
  output wire [31:0] column_key_o,
  output wire [31:0] chunk_key_o,
  // Outputs, one a cycle.
  input  wire        output_i,
  input  wire        first_i,
  input  wire [3:0]  number_i,
  input  wire [8:0]  value_i,
  input  wire        read_i,
  output wire [2:0]  prediction_o
);

  pass_key #(.Purpose(32'd3)) u_pass (
    .clk_i(clk_i), .seed_i(seed_i), .sample_number_i(sample_i), .step_i(step_i), .hold_i(hold_i), .key_o(pass_key_o)
  );
  sample_sign u_sign (.clk_i(clk_i), .seed_i(seed_i), .sample_number_i(sample_i), .negative_o(negative_o));
  neuron_bits u_neuron3 (
    .clk_i(clk_i), .key_i(key_i), .layer_i(layer_i), .index_i(index_i), .random_o(neuron3_o)
  );
  neuron_bits #(.Cycles(1)) u_neuron1 (
    .clk_i(clk_i), .key_i(key_i), .layer_i(layer_i), .index_i(index_i), .random_o(neuron1_o)
  );
  column_key #(.ChunkGolden(32'h9E3779B9 * 32'd8)) u_column (
    .clk_i(clk_i), .valid2_i(1'b1), .key_i(key_i), .layer2_i(layer_i), .column2_i(column_i), .chunk2_i(index_i),
    .column_key4_o(column_key_o), .chunk_key4_o(chunk_key_o)
  );
  readout #(.ValueWidth(9), .IndexWidth(4), .LabelWidth(3)) u_readout (
    .clk_i(clk_i), .valid_i(output_i), .first_i(first_i), .index_i(number_i), .value_i(value_i), .read_i(read_i),
    .prediction_o(prediction_o)
  );

endmodule

`default_nettype wire
