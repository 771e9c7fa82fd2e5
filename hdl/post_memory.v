// SPDX-License-Identifier: Apache-2.0
// Post-synaptic activities: gathers the neurons' new activities, which come one per cycle, into words of P lanes, and
// hands whole words to the synapse lanes.
//
// Three copies. Learning reads two, one per contrast slot, in the same cycle; the way back reads the third, later. It
// could share the first, but its words go to other multipliers, and one memory for both would be far from either. Of complex
// states, the first holds the real parts, the second the imaginary ones, and the way back has a copy of either. Lanes
// beyond a layer's last neuron read zero.
//
// The states are gathered beside the activities for the commit port; synthesis removes that half if nobody listens.
//
// Latency: a word is readable one cycle after its last activity came in; read data one cycle after the address.

`default_nettype none

module post_memory #(
  parameter Lanes = 16,
  parameter ActivityWidth = 10,
  parameter StateWidth = 10,
  parameter Depth = 32,            // banks times words per bank
  parameter AddressWidth = 5,
  parameter LaneWidth = 4,         // bits of a lane number
  parameter Complex = 0            // 1: b holds imaginary parts, and the way back has a copy of them, too
) (
  input  wire                           clk_i,
  input  wire                           rst_ni,
  // One neuron.
  input  wire                           valid_i,
  input  wire [LaneWidth-1:0]           lane_i,
  input  wire                           last_i,     // last neuron of its word
  input  wire [AddressWidth-1:0]        address_i,
  input  wire signed [ActivityWidth-1:0] activity_i,
  /* verilator lint_off UNUSED */
  input  wire signed [ActivityWidth-1:0] imaginary_i, // Complex
  input  wire                           second_i,   // the way back reads imaginary parts
  /* verilator lint_on UNUSED */
  input  wire signed [StateWidth-1:0]   state_i,
  // Words.
  input  wire                           read_i,     // to learn
  input  wire [AddressWidth-1:0]        read_address_a_i,
  input  wire [AddressWidth-1:0]        read_address_b_i,
  output reg  [Lanes*ActivityWidth-1:0] read_data_a_o,
  output reg  [Lanes*ActivityWidth-1:0] read_data_b_o,
  input  wire                           read_t_i,   // for the way back
  input  wire [AddressWidth-1:0]        read_address_t_i,
  output wire [Lanes*ActivityWidth-1:0] read_data_t_o,
  // Commit port: the word of states just completed.
  output reg                            commit_o,
  output reg  [Lanes*StateWidth-1:0]    commit_data_o
);

  reg [Lanes*ActivityWidth-1:0] words_a_q [0:Depth-1];
  reg [Lanes*ActivityWidth-1:0] words_b_q [0:Depth-1];
  reg [Lanes*ActivityWidth-1:0] words_t_q [0:Depth-1];
  reg [Lanes*ActivityWidth-1:0] words_i_q [0:((Complex != 0) ? Depth : 1)-1];
  reg [Lanes*ActivityWidth-1:0] read_t_q, read_i_q;

  // Loops over machine words with blocking assignments: see synapse_lanes.v.
  /* verilator lint_off BLKSEQ */
  /* verilator lint_off WIDTH */
  (* mem2reg *) reg signed [31:0] activity [0:Lanes-1];
  (* mem2reg *) reg signed [31:0] state [0:Lanes-1];
  (* mem2reg *) reg signed [31:0] imaginary [0:Lanes-1];
  reg [Lanes*ActivityWidth-1:0] word;
  reg [Lanes*ActivityWidth-1:0] imaginary_word;
  reg [Lanes*StateWidth-1:0] state_word;
  integer p;

  always @(posedge clk_i) begin : gather
    p = 0;
    if (valid_i && last_i) begin
      // The last neuron goes past the registers. Only its lane chooses, so that little stands in front of the memory.
      for (p = 0; p < Lanes; p = p + 1)
        word[p*ActivityWidth+:ActivityWidth] =
            (p < lane_i) ? activity[p][ActivityWidth-1:0] : (p == lane_i) ? activity_i : {ActivityWidth{1'b0}};
      for (p = 0; p < Lanes; p = p + 1)
        state_word[p*StateWidth+:StateWidth] =
            (p < lane_i) ? state[p][StateWidth-1:0] : (p == lane_i) ? state_i : {StateWidth{1'b0}};
      if (Complex != 0)
        for (p = 0; p < Lanes; p = p + 1)
          imaginary_word[p*ActivityWidth+:ActivityWidth] =
              (p < lane_i) ? imaginary[p][ActivityWidth-1:0] : (p == lane_i) ? imaginary_i : {ActivityWidth{1'b0}};
      words_a_q[address_i] <= word;
      words_b_q[address_i] <= (Complex != 0) ? imaginary_word : word;
      if (Complex != 0) words_i_q[address_i] <= imaginary_word;
      words_t_q[address_i] <= word;
      commit_data_o <= state_word;
    end
    if (valid_i) for (p = 0; p < Lanes; p = p + 1) if (p == lane_i) activity[p] = activity_i;
    if (valid_i) for (p = 0; p < Lanes; p = p + 1) if (p == lane_i) state[p] = state_i;
    if (Complex != 0 && valid_i) for (p = 0; p < Lanes; p = p + 1) if (p == lane_i) imaginary[p] = imaginary_i;
    if (read_i) begin
      read_data_a_o <= words_a_q[read_address_a_i];
      read_data_b_o <= words_b_q[read_address_b_i];
    end
    if (read_t_i) read_t_q <= words_t_q[read_address_t_i];
    if (Complex != 0 && read_t_i) read_i_q <= words_i_q[read_address_t_i];
  end
  /* verilator lint_on WIDTH */
  /* verilator lint_on BLKSEQ */

  assign read_data_t_o = (Complex != 0 && second_i) ? read_i_q : read_t_q;

  always @(posedge clk_i) begin
    if (!rst_ni) commit_o <= 1'b0;
    else commit_o <= valid_i && last_i;
  end

endmodule

`default_nettype wire
