// SPDX-License-Identifier: Apache-2.0
// Whether anything moves: compares every new state with the last two of the same neuron, so that the sequencer can leave
// out passes that would change nothing.
//
//   changed_o   a state of this pass is not what it was before the pass
//   differs_o   a state of this pass is not what it was before the last pass
//
// A state is a whole record (Width bits: imaginary part and corner included). The last two of each neuron lie in one word of
// a memory of its own, whatever banks the states are in: when a pass begins from a saved state, they are those of the passes
// before, and the sequencer must not ask. In the first pass of a sample (zero_i) the last two are zero.
//
// Latency: a state that comes in is in the answer three cycles later. The twin is src/rules/still.rs.

`default_nettype none

module still_watch #(
  parameter Width = 8,
  parameter Depth = 74,            // neurons
  parameter AddressWidth = 7
) (
  input  wire                    clk_i,
  input  wire                    rst_ni,
  input  wire                    zero_i,     // the states before this pass are zero
  input  wire                    judged_i,   // the pass is over: its answer has been taken
  // A neuron's new state.
  input  wire                    valid_i,
  input  wire [AddressWidth-1:0] number_i,
  input  wire [Width-1:0]        state_i,
  output reg                     changed_o,
  output reg                     differs_o
);

  // The two last states are read beside the new one, and compared a cycle later.
  wire [Width-1:0] read_last, read_before;
  reg [Width-1:0] last_q, before_q;
  reg [Width-1:0] state1_q, state2_q;
  reg [AddressWidth-1:0] number1_q, number2_q;
  reg valid1_q, valid2_q;
  word_memory #(.Width(2 * Width), .Depth(Depth), .AddressWidth(AddressWidth)) u_states (
    .clk_i(clk_i), .write_i(valid2_q), .write_address_i(number2_q), .write_data_i({last_q, state2_q}),
    .read_address_i(number_i), .read_data_o({read_before, read_last})
  );

  always @(posedge clk_i) begin
    {state1_q, state2_q} <= {state_i, state1_q};
    {number1_q, number2_q} <= {number_i, number1_q};
    last_q <= zero_i ? {Width{1'b0}} : read_last;
    before_q <= zero_i ? {Width{1'b0}} : read_before;
    if (!rst_ni) begin
      valid1_q <= 1'b0;
      valid2_q <= 1'b0;
      changed_o <= 1'b0;
      differs_o <= 1'b0;
    end else begin
      valid1_q <= valid_i;
      valid2_q <= valid1_q;
      changed_o <= !judged_i && (changed_o || (valid2_q && state2_q != last_q));
      differs_o <= !judged_i && (differs_o || (valid2_q && state2_q != before_q));
    end
  end

endmodule

`default_nettype wire
