// SPDX-License-Identifier: Apache-2.0
// The pre-synaptic operands of a column: two activities to learn with, one to make drives with.
//
// The activity of the input (layer 0) comes from the sample, that of the bias is one, all others from the state memory,
// one a cycle; a bank in which no state has been committed yet shows the activity of state zero. Of complex states (Complex),
// one operand is the real part and the other the imaginary one; those of input and bias have none.
//
// Latency: address in stage 1, or (Registered) in stage 0; operands to learn with in stage 3, that of the drives, aligned, in
// stage 4.

`default_nettype none

module operand_fetch #(
  parameter ActivityWidth = 10,
  parameter PreWidth = 10,
  parameter BankWidth = 2,
  parameter NeuronWidth = 7,
  parameter Complex = 0,           // 1: a holds the real parts, b the imaginary ones, each of both banks asked for
  parameter Registered = 0,        // 1: a register behind the memories, where these are large; addresses come a cycle earlier
  parameter signed [ActivityWidth-1:0] One = 0  // what a bias sees
) (
  input  wire                            clk_i,
  // A neuron's new activity.
  input  wire                            write_i,
  input  wire [BankWidth-1:0]            write_bank_i,
  input  wire [NeuronWidth-1:0]          write_neuron_i,
  input  wire signed [ActivityWidth-1:0] write_activity_i,
  /* verilator lint_off UNUSED */
  input  wire signed [ActivityWidth-1:0] write_imaginary_i,
  input  wire                            second_i,          // drives are made of the imaginary parts
  /* verilator lint_on UNUSED */
  // The column.
  input  wire [BankWidth:0]              bank_a_i,          // {reset, bank}
  input  wire [BankWidth:0]              bank_b_i,
  input  wire [NeuronWidth-1:0]          neuron_i,          // stage 1, or 0
  input  wire                            bias2_i,
  input  wire                            input2_i,          // layer 1: its operands are the sample's
  input  wire signed [ActivityWidth-1:0] value1_i,          // of the sample, aligned
  input  wire signed [ActivityWidth-1:0] reset_activity2_i, // of the layer below
  input  wire [5:0]                      shift3_i,          // alignment of weights, or of the bias
  output reg  signed [ActivityWidth-1:0] pre_a3_o,
  output reg  signed [ActivityWidth-1:0] pre_b3_o,
  output reg  signed [PreWidth-1:0]      pre_forward4_o
);

  localparam AddressWidth = BankWidth + NeuronWidth;

  wire signed [ActivityWidth-1:0] read_a, read_b, pre_a2, pre_b2;
  word_memory #(.Width(ActivityWidth), .Depth(1 << AddressWidth), .AddressWidth(AddressWidth)) u_pre_a (
    .clk_i(clk_i), .write_i(write_i), .write_address_i({write_bank_i, write_neuron_i}), .write_data_i(write_activity_i),
    .read_address_i({bank_a_i[BankWidth-1:0], neuron_i}), .read_data_o(read_a)
  );
  word_memory #(.Width(ActivityWidth), .Depth(1 << AddressWidth), .AddressWidth(AddressWidth)) u_pre_b (
    .clk_i(clk_i), .write_i(write_i), .write_address_i({write_bank_i, write_neuron_i}), .write_data_i((Complex != 0) ? write_imaginary_i : write_activity_i),
    .read_address_i({bank_b_i[BankWidth-1:0], neuron_i}), .read_data_o(read_b)
  );
  generate
    if (Registered != 0) begin : gen_register
      reg signed [ActivityWidth-1:0] read_a_q, read_b_q;
      always @(posedge clk_i) {read_a_q, read_b_q} <= {read_a, read_b};
      assign {pre_a2, pre_b2} = {read_a_q, read_b_q};
    end else begin : gen_direct
      assign {pre_a2, pre_b2} = {read_a, read_b};
    end
  endgenerate

  reg signed [ActivityWidth-1:0] value2_q;
  wire is_clamped2 = bias2_i || input2_i;
  wire signed [ActivityWidth-1:0] clamped2 = bias2_i ? One : value2_q;
  // An activity on as many bits as the aligned one has.
  localparam WideWidth = PreWidth + ActivityWidth;
  /* verilator lint_off UNUSED */
  wire signed [ActivityWidth-1:0] forward3 = (Complex != 0 && second_i) ? pre_b3_o : pre_a3_o;
  wire signed [WideWidth-1:0] wide3 = { {PreWidth{forward3[ActivityWidth-1]}}, forward3};
  /* verilator lint_on UNUSED */
  always @(posedge clk_i) begin
    value2_q <= value1_i;
    pre_a3_o <= is_clamped2 ? clamped2 : bank_a_i[BankWidth] ? reset_activity2_i : pre_a2;
    pre_b3_o <= is_clamped2 ? ((Complex != 0) ? {ActivityWidth{1'b0}} : clamped2) : bank_b_i[BankWidth] ? reset_activity2_i : pre_b2;
    pre_forward4_o <= $signed(wide3[PreWidth-1:0]) <<< shift3_i;
  end

endmodule

`default_nettype wire
